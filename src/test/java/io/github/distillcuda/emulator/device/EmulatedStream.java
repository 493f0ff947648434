package io.github.distillcuda.emulator.device;

import java.util.ArrayDeque;
import java.util.Deque;

/** A queue of work; while it is captured, its work goes into the recording instead. */
final class EmulatedStream {
  private final Deque<Runnable> queue = new ArrayDeque<>();
  private final long context;
  private Capture capture;

  EmulatedStream(long context) {
    this.context = context;
  }

  /** Returns the context in which it was made. */
  long context() {
    return context;
  }

  /** Returns the recording that takes this stream's work; null if none does. */
  Capture capture() {
    return capture;
  }

  void setCapture(Capture newCapture) {
    capture = newCapture;
  }

  void add(Runnable work) {
    queue.add(work);
  }

  /** Does all work. */
  void drain() {
    while (!queue.isEmpty()) {
      queue.remove().run();
    }
  }

  /** Does work until an event has happened that was recorded here. */
  void drainUntil(EventRecord event) {
    while (!event.isDone()) {
      queue.remove().run();
    }
  }

  /** Forgets all work, after a fault. */
  void abandon() {
    queue.clear();
  }
}
