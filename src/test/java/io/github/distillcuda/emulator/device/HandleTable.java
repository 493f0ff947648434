package io.github.distillcuda.emulator.device;

import java.util.Map;
import java.util.TreeMap;

/** What was made through any library of one device and is not destroyed yet. */
final class HandleTable {
  private record Entry(String kind, Object object) {}

  private final Map<Long, Entry> live = new TreeMap<>();
  private long next = 0x1000;

  /** Returns a number that nothing else has. */
  long number() {
    return next++;
  }

  /** Returns the handle of something new. */
  long add(String kind, Object object) {
    long handle = number();
    live.put(handle, new Entry(kind, object));
    return handle;
  }

  /** Enters something whose handle is its address. */
  void add(String kind, long handle, Object object) {
    live.put(handle, new Entry(kind, object));
  }

  /** Returns what a handle stands for; null if nothing of this class is alive under it. */
  <T> T find(Class<T> type, long handle) {
    Entry entry = live.get(handle);
    return entry != null && type.isInstance(entry.object()) ? type.cast(entry.object()) : null;
  }

  /** Removes and returns what a handle stands for; null if nothing of this class is alive. */
  <T> T remove(Class<T> type, long handle) {
    T object = find(type, handle);
    if (object != null) {
      live.remove(handle);
    }
    return object;
  }

  /** Returns what is alive of a class. */
  <T> Iterable<T> all(Class<T> type) {
    return live.values().stream()
        .map(Entry::object)
        .filter(type::isInstance)
        .map(type::cast)
        .toList();
  }

  /** Returns handles and kinds of what is alive. */
  Map<Long, String> kinds() {
    Map<Long, String> kinds = new TreeMap<>();
    live.forEach((handle, entry) -> kinds.put(handle, entry.kind()));
    return kinds;
  }
}
