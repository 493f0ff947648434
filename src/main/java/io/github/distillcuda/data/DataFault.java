package io.github.distillcuda.data;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
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
    return new DistillException(exitCode, oneLine(String.format(Locale.ROOT, format, arguments)));
  }

  /** A file or folder that cannot be read, with the system's reason. */
  static DistillException unreadable(Object where, IOException cause) {
    String message =
        where + ": cannot be read (" + reason(cause) + "); make it readable or name another";
    return new DistillException(ExitCode.DATA, oneLine(message), cause);
  }

  /** A file or folder that cannot be written, with the system's reason. */
  static DistillException unwritable(Object where, IOException cause) {
    return unwritable(where, cause, "choose another folder");
  }

  /** A file or folder that cannot be written, with the system's reason and what to do. */
  static DistillException unwritable(Object where, IOException cause, String remedy) {
    String message = where + ": cannot be written (" + reason(cause) + "); " + remedy;
    return new DistillException(ExitCode.DISK, oneLine(message), cause);
  }

  /** Says an exception in a few words; of some, the message alone is only a path. */
  static String reason(IOException cause) {
    return switch (cause) {
      case NoSuchFileException missing -> "no such file or folder";
      case FileNotFoundException missing -> "no such file or folder";
      case FileAlreadyExistsException file -> "a file of this name is in the way";
      case AccessDeniedException denied -> "permission denied";
      default -> {
        String text = cause.getMessage();
        yield text == null || text.isBlank() ? cause.getClass().getSimpleName() : text;
      }
    };
  }

  /** File and server names may hold anything; a message stays one printable line. */
  static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}+", "?");
  }
}
