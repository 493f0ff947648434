package io.github.distillcuda.emulator.device;

/** An event: never recorded, or recorded last in a stream, or last in a recording. */
final class EmulatedEvent {
  private final boolean timed;
  private EventRecord record;
  private Capture.Point captured;

  EmulatedEvent(boolean timed) {
    this.timed = timed;
  }

  boolean isTimed() {
    return timed;
  }

  void recordIn(EmulatedStream stream, EventRecord newRecord) {
    record = newRecord;
    captured = null;
  }

  void recordIn(Capture.Point point) {
    record = null;
    captured = point;
  }

  /** Returns its place in a queue; null if there is none. */
  EventRecord record() {
    return record;
  }

  /** Returns its place in a recording; null if there is none. */
  Capture.Point captured() {
    return captured;
  }
}
