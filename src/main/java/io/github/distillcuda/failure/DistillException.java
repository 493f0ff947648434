package io.github.distillcuda.failure;

/**
 * A failure that a person can act on: its message is one line that says what is wrong, where, and
 * what to do, and its {@link ExitCode} is the status the command ends with.
 */
public class DistillException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ExitCode exitCode;

  /** A failure with the line to print. */
  public DistillException(ExitCode exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** A failure with the line to print and what caused it, shown only with {@code --debug}. */
  public DistillException(ExitCode exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /**
   * Returns this failure with more to say of it, for whoever knows what the place that failed does
   * not: of the same kind and exit code, and caused by this one.
   *
   * @param more continues the line, such as {@code "; use another folder"}
   */
  public DistillException with(String more) {
    return new DistillException(exitCode, getMessage() + more, this);
  }

  /** Returns the status that the process ends with. */
  public ExitCode exitCode() {
    return exitCode;
  }
}
