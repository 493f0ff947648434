package io.github.distillcuda.pickle;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a pickle can consist of: these and the format's own. Plain data: no value can do anything,
 * and nobody may walk through one without a bound, since a list can contain itself.
 */
public interface PickleValue {
  /** An integer of at most 64 bits. */
  record Whole(long value) implements PickleValue {}

  /** Python's three constants. */
  enum Constant implements PickleValue {
    NONE,
    FALSE,
    TRUE
  }

  /** A list, which grows, or a tuple, which does not. */
  record Sequence(List<PickleValue> items, boolean isList) implements PickleValue {
    /** An empty list; without room, since a hostile file may make many. */
    static Sequence list() {
      return new Sequence(new ArrayList<>(0), true);
    }

    static Sequence tuple(List<PickleValue> items) {
      return new Sequence(items, false);
    }
  }

  /**
   * A dictionary. Its keys are strings or longs: both ordered, so that no choice of keys is slow.
   */
  class Dictionary implements PickleValue {
    /** Shared until the first entry: a hostile file may make many empty dictionaries. */
    private Map<Object, PickleValue> entries = Map.of();

    /** Returns the entries in the file's order. */
    public Map<Object, PickleValue> entries() {
      return entries;
    }

    /** Returns false if the key is there already. */
    boolean put(Object key, PickleValue value) {
      if (entries.isEmpty()) {
        entries = new LinkedHashMap<>();
      }
      return entries.put(key, value) == null;
    }
  }
}
