package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Reads files that mean no good and checks what reading them did. */
final class Refusal {
  /** What may be allocated beyond the size of the file: the limit the project has set itself. */
  private static final long ALLOWANCE = 64L << 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Refusal() {}

  /** Checks that a file is refused for the given reason and is as it was before. */
  static void check(Path folder, byte[] content, String reason) throws IOException {
    Path file = Files.write(folder.resolve("hostile"), content);
    DistillException refused = read(file, content.length);
    assertThat(refused).as("refused").isNotNull();
    assertThat(refused.getMessage()).startsWith(file + ": ").contains(reason);
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(folder).isDirectoryContaining(path -> path.equals(file));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  /**
   * Reads a file and returns the refusal, or null if it loads. Anything else that is thrown, a
   * message that is not one plain line, and a claim of too much memory fail the test.
   */
  static DistillException read(Path file, long size) {
    return read(file, size, ModelFiles::read);
  }

  static DistillException read(Path file, long size, Consumer<Path> reader) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    DistillException refused = null;
    try {
      reader.accept(file);
    } catch (DistillException e) {
      refused = e;
    }
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
    assertThat(allocated).as("allocated bytes").isLessThan(size + ALLOWANCE);
    if (refused != null) {
      assertThat(refused.exitCode()).isEqualTo(ExitCode.DATA);
      assertThat(refused.getMessage()).hasSizeLessThan(1000).matches("[^\\p{Cntrl}\u2028\u2029]+");
    }
    return refused;
  }
}
