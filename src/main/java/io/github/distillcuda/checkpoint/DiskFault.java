package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.io.IOException;
import java.nio.file.Path;

/** Turns what the operating system says about a disk into the line a person reads. */
final class DiskFault {
  private DiskFault() {}

  /** A failed write: where, why, and what to do. */
  static DistillException writing(Path target, IOException cause) {
    return new DistillException(
        ExitCode.DISK,
        "cannot write "
            + Printable.path(target)
            + ": "
            + Printable.reason(cause)
            + "; "
            + advice(cause),
        cause);
  }

  private static String advice(IOException cause) {
    String reason = Printable.reason(cause);
    boolean full = reason.contains("No space left") || reason.contains("quota exceeded");
    return full ? "free some space or choose another disk" : "choose a folder that can be written";
  }
}
