package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.nio.file.Path;

/**
 * Why the content of a file cannot be used, in one line and without the file's name, which only the
 * caller knows and adds. What to do about it, where that is not to get a whole copy, follows after
 * a semicolon.
 */
final class InvalidFileException extends Exception {
  private static final long serialVersionUID = 1L;

  InvalidFileException(String reason) {
    super(reason);
  }

  InvalidFileException(String reason, Throwable cause) {
    super(reason, cause);
  }

  /** Returns whether the reason says what to do, or what would be read. */
  boolean hasAdvice() {
    return getMessage().contains("; ");
  }

  /** Returns the failure to show, which names the file. */
  DistillException of(Path file) {
    return new DistillException(ExitCode.DATA, Printable.path(file) + ": " + getMessage(), this);
  }
}
