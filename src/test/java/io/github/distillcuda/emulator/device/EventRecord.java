package io.github.distillcuda.emulator.device;

/** One use of an event in a stream that is not captured: the place in the queue it stands for. */
final class EventRecord {
  private final EmulatedStream stream;
  private boolean done;
  private long time;

  EventRecord(EmulatedStream stream) {
    this.stream = stream;
  }

  EmulatedStream stream() {
    return stream;
  }

  void happen(long now) {
    done = true;
    time = now;
  }

  boolean isDone() {
    return done;
  }

  /** When it happened, in operations of the device since its start. */
  long time() {
    return time;
  }
}
