package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Turns what the operating system says about a disk into the line a person reads. */
final class DiskFault {
  private DiskFault() {}

  /** A failed write: where, why, and what to do. */
  static DistillException writing(Path target, IOException cause) {
    return new DistillException(
        ExitCode.DISK,
        "cannot write " + Printable.path(target) + ": " + reason(cause) + "; " + advice(cause),
        cause);
  }

  /** Returns the system's reason in one line, without the path that Java puts before it. */
  static String reason(IOException cause) {
    return Printable.line(
        switch (cause) {
          case NoSuchFileException e -> "there is no such file or folder";
          case AccessDeniedException e -> "permission denied";
          case FileAlreadyExistsException e -> "a file of this name is in the way";
          // Streams put the path before it: "model.pth (Permission denied)".
          case FileNotFoundException e -> e.getMessage().replaceFirst("(?s)^.* \\((.*)\\)$", "$1");
          case FileSystemException e when e.getReason() != null -> e.getReason();
          default ->
              cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        });
  }

  private static String advice(IOException cause) {
    String reason = reason(cause);
    boolean full = reason.contains("No space left") || reason.contains("quota exceeded");
    return full ? "free some space or choose another disk" : "choose a folder that can be written";
  }
}
