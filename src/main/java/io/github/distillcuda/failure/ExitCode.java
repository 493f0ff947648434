package io.github.distillcuda.failure;

/** The documented exit codes of the program. */
public enum ExitCode {
  DONE(0),
  /** A defect of the program; the only one that comes with a stack trace. */
  BUG(1),
  USAGE(2),
  /** Data or a model file is missing or invalid. */
  DATA(3),
  DEVICE_MEMORY(4),
  /** A device was demanded and is absent, or it was lost. */
  DEVICE(5),
  DISK(6),
  NOT_FINITE(7),
  NO_JDK(78),
  INTERRUPTED(130),
  TERMINATED(143);

  private final int value;

  ExitCode(int value) {
    this.value = value;
  }

  /** Returns the status that the process ends with. */
  public int value() {
    return value;
  }
}
