package io.github.distillcuda.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutates whole files of each format: every one is refused as data with one line, or read into
 * labels that are all in range; nothing else is thrown, and no more than 64 MB beyond the file's
 * size are allocated. {@code src/test/fuzz.sh} does it 100,000 times.
 */
class HostileDataTest {
  private static final int MUTATIONS = Integer.getInteger("distill.fuzz", 5000);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long ALLOWANCE = 64L << 20;

  private final SmallCifar10 small = new SmallCifar10(8);
  private final Cifar10Reader reader = new Cifar10Reader(small.release());
  private final Random random = new Random(20);

  @TempDir Path temp;

  /** Reads a file and returns all its labels. */
  private interface Reading {
    byte[] of(byte[] file) throws IOException;
  }

  private void mutate(byte[] valid, int head, Reading reading) throws IOException {
    int read = 0;
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] file = mutation(valid, head);
      long before = THREADS.getCurrentThreadAllocatedBytes();
      try {
        for (byte label : reading.of(file)) {
          assertThat(label).isBetween((byte) 0, (byte) 9);
        }
        read++;
      } catch (DistillException fault) {
        assertThat(fault.exitCode()).isEqualTo(ExitCode.DATA);
        assertThat(fault.getMessage()).doesNotContain("\n").contains("expected");
        refused++;
      }
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      assertThat(allocated).as("allocated bytes").isLessThan(file.length + ALLOWANCE);
    }
    assertThat(refused).as("refused").isGreaterThan(MUTATIONS / 20);
    assertThat(read).as("read, as only pixels had changed").isGreaterThan(MUTATIONS / 20);
  }

  /** Up to four changes, half of them in the first {@code head} bytes, where structure is. */
  private byte[] mutation(byte[] valid, int head) {
    byte[] file = valid.clone();
    for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
      int at = random.nextInt(random.nextBoolean() ? Math.min(head, file.length) : file.length);
      switch (random.nextInt(8)) {
        case 0 -> file[at] = (byte) random.nextInt(256);
        case 1 -> file[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> file[at] = (byte) (random.nextBoolean() ? 255 : 0);
        case 3 -> {
          if (random.nextInt(10) == 0) {
            file = Arrays.copyOf(file, Math.max(1, at));
          }
        }
        case 4 -> {
          if (random.nextInt(10) == 0) {
            file = Arrays.copyOf(file, file.length + 1 + random.nextInt(2000));
          }
        }
        default -> {
          int from = random.nextInt(file.length);
          int length = Math.min(random.nextInt(16), file.length - Math.max(at, from));
          System.arraycopy(file, from, file, at, length);
        }
      }
    }
    return file;
  }

  @Test
  void pickles() throws IOException {
    byte[] valid = SmallCifar10.pickle(small.labels[0], small.pixels[0]);
    mutate(
        valid,
        180,
        file -> {
          LabelledImages set = LabelledImages.ofSize(4);
          new PickledBatch(4).read(new ByteArrayInputStream(file), file.length, "file", set, 0);
          return set.labels();
        });
  }

  @Test
  void binaryBatches() throws IOException {
    byte[] valid = small.binaryFiles().get("data_batch_1.bin");
    mutate(
        valid,
        1,
        file -> {
          LabelledImages set = LabelledImages.ofSize(4);
          new BinaryBatch(4).read(new ByteArrayInputStream(file), file.length, "file", set, 0);
          return set.labels();
        });
  }

  /** The tar inside an intact gzip; gzip's own checksum would hide it from most mutations. */
  @Test
  void tars() throws IOException {
    mutate(tar(), 1024, file -> readArchive(SmallCifar10.Tar.gzip(file, Deflater.NO_COMPRESSION)));
  }

  /** Its header has fields that nobody reads; the rest is what its checksum covers. */
  @Test
  void gzips() throws IOException {
    mutate(SmallCifar10.Tar.gzip(tar(), Deflater.BEST_SPEED), 10, this::readArchive);
  }

  private byte[] tar() {
    byte[] members = small.binaryTar().withoutEnd();
    return Arrays.copyOf(members, members.length + 1024);
  }

  private byte[] readArchive(byte[] content) throws IOException {
    Path path = Files.write(temp.resolve("archive.tar.gz"), content);
    ImageDataset set = reader.read(Cifar10Location.at(path));
    assertThat(set.name()).isIn("cifar10", "cifar10 (unofficial files)");
    assertThat(temp.toFile().list()).containsExactly("archive.tar.gz");
    return set.trainLabels();
  }
}
