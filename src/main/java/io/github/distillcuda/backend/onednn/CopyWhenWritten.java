package io.github.distillcuda.backend.onednn;

/** A copy of a host-written tensor, refreshed only after the host has written it. */
final class CopyWhenWritten implements Operation {
  private final OnednnTensor from;
  private final Operation copy;
  private long copied = -1;

  CopyWhenWritten(OnednnTensor from, Operation copy) {
    this.from = from;
    this.copy = copy;
  }

  @Override
  public String name() {
    return copy.name() + " when written";
  }

  @Override
  public void run() {
    if (copied != from.version()) {
      copy.run();
      copied = from.version();
    }
  }
}
