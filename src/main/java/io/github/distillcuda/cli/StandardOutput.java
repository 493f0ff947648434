package io.github.distillcuda.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What became of standard output, whose stream keeps failures to itself until it is asked. */
final class StandardOutput {
  private static final int FILE_TYPE = 0xF000;
  private static final int PIPE = 0x1000;
  private static final int SOCKET = 0xC000;

  private StandardOutput() {}

  /** Returns whether results were lost. The reader of a pipe may close it early, as head does. */
  static boolean isLost(PrintStream out) {
    return out.checkError() && !hasReader();
  }

  private static boolean hasReader() {
    try {
      int mode = (int) Files.getAttribute(Path.of("/proc/self/fd/1"), "unix:mode");
      return (mode & FILE_TYPE) == PIPE || (mode & FILE_TYPE) == SOCKET;
    } catch (IOException | UnsupportedOperationException e) {
      return false; // it was closed before the start, or the system has no such files
    }
  }
}
