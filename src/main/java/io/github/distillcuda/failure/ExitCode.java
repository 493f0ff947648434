package io.github.distillcuda.failure;

/** The exit codes of the program, with what {@code --help} says of them. */
public enum ExitCode {
  DONE(0, "done"),
  /** The only one that comes with a stack trace. */
  BUG(1, "a defect of this program; please report what it printed"),
  USAGE(2, "wrong command line, or one that does not suit the run to resume"),
  DATA(3, "data or a model file is missing or invalid, or Java has too little memory for it"),
  DEVICE_MEMORY(4, "the GPU has too little memory"),
  DEVICE(5, "the device is absent, was lost, or does not agree with PyTorch"),
  DISK(6, "a file, a folder or standard output cannot be written"),
  NOT_FINITE(7, "a NaN or an infinity, in a training or a model file"),
  NO_JDK(78, "no Java 25 or newer"),
  INTERRUPTED(130, "interrupted (Ctrl-C); a training says what it saved"),
  TERMINATED(143, "terminated; a training says what it saved");

  private final int value;
  private final String meaning;

  ExitCode(int value, String meaning) {
    this.value = value;
    this.meaning = meaning;
  }

  /** Returns the status that the process ends with. */
  public int value() {
    return value;
  }

  /** Returns what it means, in one line for people. */
  public String meaning() {
    return meaning;
  }
}
