package io.github.distillcuda.data;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.io.IOException;
import java.util.Locale;

/** The failures of this package, all in one form: where, what was expected, what is there. */
final class DataFault {
  private DataFault() {}

  /** Data that is missing or invalid: {@code where: expected ..., got ...; what to do}. */
  static DistillException invalid(Object where, String expected, String got, String remedy) {
    return data("%s: expected %s, got %s; %s", where, expected, got, remedy);
  }

  /** Data that is missing or invalid, in words of its own. */
  static DistillException data(String format, Object... arguments) {
    return fault(ExitCode.DATA, format, arguments);
  }

  /** Any failure of this package, formatted as one line whatever the user's language. */
  static DistillException fault(ExitCode exitCode, String format, Object... arguments) {
    return new DistillException(
        exitCode, Printable.line(String.format(Locale.ROOT, format, arguments)));
  }

  /** A file or folder that cannot be read, with the system's reason. */
  static DistillException unreadable(Object where, IOException cause) {
    String message =
        where
            + ": cannot be read ("
            + Printable.reason(cause)
            + "); make it readable or name another";
    return new DistillException(ExitCode.DATA, Printable.line(message), cause);
  }

  /** A file or folder that cannot be written, with the system's reason. */
  static DistillException unwritable(Object where, IOException cause) {
    return unwritable(where, cause, "choose another folder");
  }

  /** A file or folder that cannot be written, with the system's reason and what to do. */
  static DistillException unwritable(Object where, IOException cause, String remedy) {
    String message = where + ": cannot be written (" + Printable.reason(cause) + "); " + remedy;
    return new DistillException(ExitCode.DISK, Printable.line(message), cause);
  }
}
