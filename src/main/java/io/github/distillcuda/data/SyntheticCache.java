package io.github.distillcuda.data;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The synthetic set that was drawn last, in one file of the user's cache folder: reading 184 MB
 * takes a fraction of the time that drawing them does. The file only saves time. What is missing,
 * damaged, of another seed or drawn otherwise than this program draws is drawn anew, and a file
 * that cannot be written is not.
 *
 * <p>Big-endian: the text {@code DCSYNTH1}, the seed and the two counts, 8 bytes each; the training
 * and the test images; the CRC-32C of all before it. A checksum and not a cryptographic hash,
 * because it guards against damage alone: the folder is the user's, and the SHA-256 in the results
 * says which images were trained on.
 */
final class SyntheticCache {
  static final String FILE = "synthetic.bin";

  private static final long MAGIC = 0x4443_5359_4e54_4831L;
  private static final int HEADER_BYTES = 4 * Long.BYTES;

  /** At a time, so that the checksum finds in the processor's cache what was just read. */
  private static final int BLOCK_BYTES = 1 << 18;

  /** Left free on the disk; a cache must not be what fills it. */
  private static final long ROOM = 2L << 30;

  private final Path file;

  /** The cache in a folder, which need not exist. */
  SyntheticCache(Path folder) {
    file = folder.resolve(FILE);
  }

  /** Returns the set of {@link SyntheticDataset#create}, drawn only where the file has another. */
  ImageDataset open(long seed, int trainCount, int testCount) {
    ImageDataset kept = read(seed, trainCount, testCount);
    if (kept != null) {
      return kept;
    }
    ImageDataset drawn = SyntheticDataset.create(seed, trainCount, testCount);
    try {
      write(drawn, seed);
    } catch (IOException notKept) {
      // The next start draws again.
    }
    return drawn;
  }

  /** Returns the set in the file; null if it is not the one asked for, to the last byte. */
  private ImageDataset read(long seed, int trainCount, int testCount) {
    byte[] header = header(seed, trainCount, testCount);
    try (FileChannel channel = FileChannel.open(file)) {
      CRC32C checksum = new CRC32C();
      byte[] found = new byte[HEADER_BYTES];
      fill(found, channel, checksum);
      if (!Arrays.equals(found, header)) {
        return null;
      }
      ImageDataset set = SyntheticDataset.undrawn(trainCount, testCount);
      fill(set.trainImages(), channel, checksum);
      fill(set.testImages(), channel, checksum);
      byte[] expected = bytes(checksum.getValue());
      byte[] last = new byte[Long.BYTES];
      fill(last, channel, checksum);
      return Arrays.equals(last, expected) && SyntheticDataset.isDrawn(set, seed) ? set : null;
    } catch (IOException absentOrTooShort) {
      return null;
    }
  }

  /** Replaces the file, so that there is never more than one set. */
  private void write(ImageDataset set, long seed) throws IOException {
    Files.createDirectories(file.getParent());
    if (Files.getFileStore(file.getParent()).getUsableSpace() < ROOM) {
      return;
    }
    // One name for all, so that a process that was killed leaves no more than the next overwrites.
    Path part = file.resolveSibling(FILE + ".part");
    try (FileChannel channel =
            FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock == null) {
        return; // another process keeps its own
      }
      channel.truncate(0);
      CRC32C checksum = new CRC32C();
      put(header(seed, set.trainCount(), set.testCount()), channel, checksum);
      put(set.trainImages(), channel, checksum);
      put(set.testImages(), channel, checksum);
      put(bytes(checksum.getValue()), channel, checksum);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (OverlappingFileLockException anotherThread) {
      // It keeps its own, too.
    }
  }

  private static byte[] header(long seed, int trainCount, int testCount) {
    return bytes(MAGIC, seed, trainCount, testCount);
  }

  private static byte[] bytes(long... values) {
    ByteBuffer buffer = ByteBuffer.allocate(values.length * Long.BYTES);
    for (long value : values) {
      buffer.putLong(value);
    }
    return buffer.array();
  }

  private static void fill(byte[] bytes, FileChannel channel, CRC32C checksum) throws IOException {
    for (int done = 0; done < bytes.length; ) {
      int wanted = Math.min(BLOCK_BYTES, bytes.length - done);
      int read = channel.read(ByteBuffer.wrap(bytes, done, wanted));
      if (read < 0) {
        throw new EOFException();
      }
      checksum.update(bytes, done, read);
      done += read;
    }
  }

  private static void put(byte[] bytes, FileChannel channel, CRC32C checksum) throws IOException {
    for (int done = 0; done < bytes.length; ) {
      int wanted = Math.min(BLOCK_BYTES, bytes.length - done);
      int written = channel.write(ByteBuffer.wrap(bytes, done, wanted));
      checksum.update(bytes, done, written);
      done += written;
    }
  }
}
