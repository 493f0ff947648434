package io.github.distillcuda.data;

import static io.github.distillcuda.data.SmallCifar10.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyntheticCacheTest {
  private static final int TRAIN = 40;
  private static final int TEST = 12;
  private static final int HEADER = 32 + 32;
  private static final int PICTURE = 3072;

  @TempDir Path temp;
  private Path folder;
  private Path file;

  @BeforeEach
  void places() {
    folder = temp.resolve("not yet there/distill-cuda");
    file = folder.resolve(SyntheticCache.FILE);
  }

  private ImageDataset open(long seed) {
    return new SyntheticCache(folder).open(seed, TRAIN, TEST);
  }

  private static void assertDrawn(ImageDataset set, long seed) {
    ImageDataset drawn = SyntheticDataset.create(seed, TRAIN, TEST);
    assertThat(set.name()).isEqualTo("synthetic");
    assertThat(set.sha256()).isEqualTo(drawn.sha256());
    assertThat(bytes(set.trainImages())).isEqualTo(bytes(drawn.trainImages()));
    assertThat(set.trainLabels()).isEqualTo(drawn.trainLabels());
    assertThat(bytes(set.testImages())).isEqualTo(bytes(drawn.testImages()));
    assertThat(set.testLabels()).isEqualTo(drawn.testLabels());
  }

  private void assertNothingElseIsLeft() {
    assertThat(folder.toFile().list())
        .containsExactlyInAnyOrder("synthetic.bin", "synthetic.bin.lock");
  }

  /** Changes a byte of the file; {@code sealed} makes the checksum agree again. */
  private void change(int offset, boolean sealed) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[offset] ^= 1;
    if (sealed) {
      CRC32C checksum = new CRC32C();
      checksum.update(bytes, 0, bytes.length - Long.BYTES);
      ByteBuffer.wrap(bytes).putLong(bytes.length - Long.BYTES, checksum.getValue());
    }
    Files.write(file, bytes);
  }

  @Test
  void firstAndSecondOpeningGiveTheSetThatIsDrawn() {
    assertDrawn(open(5), 5);
    assertThat(file).hasSize(HEADER + (TRAIN + TEST) * PICTURE + Long.BYTES);
    assertDrawn(open(5), 5);
    assertNothingElseIsLeft();
  }

  /** Behind the pictures that are compared, a byte that only the file can have told. */
  @Test
  void secondOpeningReadsTheFile() throws IOException {
    byte[] drawn = bytes(open(5).testImages());
    change(HEADER + TRAIN * PICTURE + 17, true);
    byte[] read = bytes(open(5).testImages());
    assertThat(Arrays.mismatch(read, drawn)).isEqualTo(17);
  }

  @Test
  void damagedFileIsDrawnAnewAndReplaced() throws IOException {
    open(5);
    byte[] whole = Files.readAllBytes(file);
    for (int offset : new int[] {0, 9, 20, 31, 40, HEADER + 30 * PICTURE, whole.length - 1}) {
      change(offset, false);
      assertDrawn(open(5), 5);
      assertThat(file).hasBinaryContent(whole);
    }
    for (int length : new int[] {0, 31, HEADER, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertDrawn(open(5), 5);
      assertThat(file).hasBinaryContent(whole);
    }
  }

  /** What a program with another idea of a picture has left. */
  @Test
  void fileOfAnotherDrawingIsNotTaken() throws IOException {
    open(5);
    change(HEADER + 7 * PICTURE + 1000, true);
    assertDrawn(open(5), 5);
  }

  @Test
  void anotherSetTakesThePlaceOfTheLast() {
    open(5);
    assertDrawn(open(6), 6);
    assertDrawn(open(5), 5);
    ImageDataset smaller = new SyntheticCache(folder).open(5, TRAIN - 1, TEST);
    assertThat(smaller.trainCount()).isEqualTo(TRAIN - 1);
    assertNothingElseIsLeft();
  }

  /** A set that somebody trains on is a file of its own: the next one does not write into it. */
  @Test
  void whatIsMappedStaysWhenAnotherSetIsKept() {
    open(5);
    ImageDataset mapped = open(5);
    byte[] before = bytes(mapped.trainImages());
    assertDrawn(open(6), 6);
    assertThat(bytes(mapped.trainImages())).isEqualTo(before);
  }

  @Test
  void fileThatCannotBeWrittenIsNoFailure() throws IOException {
    Files.writeString(temp.resolve("not yet there"), "a file in the way");
    assertDrawn(open(5), 5);
  }

  @Test
  void leftoverOfAKilledProcessIsOverwritten() throws IOException {
    Files.createDirectories(folder);
    Files.write(folder.resolve("synthetic.bin.part"), new byte[1_000_000]);
    open(5);
    assertThat(file).hasSize(HEADER + (TRAIN + TEST) * PICTURE + Long.BYTES);
    assertNothingElseIsLeft();
  }

  @Test
  void onlyOneWritesAtATime() throws IOException {
    Files.createDirectories(folder);
    Path guard = folder.resolve("synthetic.bin.lock");
    try (FileChannel other =
            FileChannel.open(guard, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = other.lock()) {
      assertThat(lock.isValid()).isTrue();
      assertDrawn(open(5), 5);
    }
    assertThat(file).doesNotExist();
  }
}
