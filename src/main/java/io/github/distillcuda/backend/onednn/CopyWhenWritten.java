package io.github.distillcuda.backend.onednn;

/** What is derived from a tensor that only the host writes, made again when it has. */
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
