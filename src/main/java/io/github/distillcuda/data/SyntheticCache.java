package io.github.distillcuda.data;

import static java.nio.channels.FileChannel.MapMode.READ_ONLY;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * The synthetic set that was drawn last, in one file of the user's cache folder: reading 184 MB
 * takes a fraction of the time that drawing them does. The file only saves time. What is missing,
 * damaged, of another seed or drawn otherwise than this program draws is drawn anew, and a file
 * that cannot be written is not.
 *
 * <p>Big-endian: the text {@code DCSYNTH2}, the seed and the two counts, 8 bytes each; the SHA-256
 * of the training set; the training and the test images; the CRC-32C of all before it. What is read
 * is held against the checksum, a tenth of the work of the hash, because that guards against damage
 * alone: the folder is the user's.
 */
final class SyntheticCache {
  static final String FILE = "synthetic.bin";

  private static final long MAGIC = 0x4443_5359_4e54_4832L;

  private static final int SHA256_BYTES = 32;

  /** Written at a time: the JDK copies an array to other memory before it writes it. */
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
    ImageDataset drawn = SyntheticDataset.create(seed, trainCount, testCount).hashed();
    try {
      write(drawn, seed);
    } catch (IOException notKept) {
      // The next start draws again.
    }
    return drawn;
  }

  /**
   * Returns the set in the file, mapped; null if it is not the one asked for, to the last byte.
   * Mapped, because copying 184 MB to fresh memory takes a second where pages are dear. Nobody
   * writes into the file any more: another set takes its place as another file.
   */
  private ImageDataset read(long seed, int trainCount, int testCount) {
    byte[] header = header(seed, trainCount, testCount);
    int images = header.length + SHA256_BYTES;
    int trainBytes = trainCount * ImageDataset.IMAGE_BYTES;
    int testBytes = testCount * ImageDataset.IMAGE_BYTES;
    int summed = images + trainBytes + testBytes;
    try (FileChannel channel = FileChannel.open(file)) {
      if (channel.size() != summed + Long.BYTES) {
        return null;
      }
      ByteBuffer mapped = channel.map(READ_ONLY, 0, channel.size());
      CRC32C checksum = new CRC32C();
      checksum.update(mapped.slice(0, summed));
      if (!holds(mapped, 0, header) || !holds(mapped, summed, bytes(checksum.getValue()))) {
        return null;
      }
      byte[] sha256 = new byte[SHA256_BYTES];
      mapped.get(header.length, sha256);
      ImageDataset set =
          SyntheticDataset.of(
              mapped.slice(images, trainBytes),
              mapped.slice(images + trainBytes, testBytes),
              HexFormat.of().formatHex(sha256));
      return SyntheticDataset.isDrawn(set, seed) ? set : null;
    } catch (IOException absent) {
      return null;
    }
  }

  private static boolean holds(ByteBuffer mapped, int offset, byte[] expected) {
    return mapped.slice(offset, expected.length).equals(ByteBuffer.wrap(expected));
  }

  /** Replaces the file, so that there is never more than one set. */
  private void write(ImageDataset set, long seed) throws IOException {
    Files.createDirectories(file.getParent());
    if (Files.getFileStore(file.getParent()).getUsableSpace() < ROOM) {
      return;
    }
    // The lock is on a file of its own: one on the part would be on the set itself once that is
    // moved, and whoever got it then would cut off what others have mapped.
    try (FileChannel guard = FileChannel.open(file.resolveSibling(FILE + ".lock"), CREATE, WRITE);
        FileLock lock = guard.tryLock()) {
      if (lock == null) {
        return; // another process keeps its own
      }
      // One name for all, so that a process that was killed leaves no more than the next
      // overwrites.
      Path part = file.resolveSibling(FILE + ".part");
      try (FileChannel channel = FileChannel.open(part, CREATE, WRITE, TRUNCATE_EXISTING)) {
        CRC32C checksum = new CRC32C();
        byte[] header = header(seed, set.trainCount(), set.testCount());
        put(ByteBuffer.wrap(header), channel, checksum);
        put(ByteBuffer.wrap(HexFormat.of().parseHex(set.sha256())), channel, checksum);
        put(set.trainImages(), channel, checksum);
        put(set.testImages(), channel, checksum);
        put(ByteBuffer.wrap(bytes(checksum.getValue())), channel, checksum);
      }
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

  private static void put(ByteBuffer bytes, FileChannel channel, CRC32C checksum)
      throws IOException {
    for (int done = 0; done < bytes.capacity(); done += BLOCK_BYTES) {
      ByteBuffer block = bytes.slice(done, Math.min(BLOCK_BYTES, bytes.capacity() - done));
      checksum.update(block.duplicate());
      while (block.hasRemaining()) {
        channel.write(block);
      }
    }
  }
}
