package io.github.distillcuda.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/** Damages bytes in the ways that break readers; the same seed gives the same damage. */
final class Mutator {
  /** Numbers at which a size, a count or an offset goes wrong. */
  private static final long[] EDGES = {
    0,
    1,
    -1,
    2,
    7,
    8,
    64,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 32,
    (1L << 32) + 6,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    1L << 61,
    1L << 62
  };

  private final Random random;

  Mutator(long seed) {
    this.random = new Random(seed);
  }

  int next(int bound) {
    return random.nextInt(bound);
  }

  /** Returns a copy of {@code bytes} with one to four changes. */
  byte[] mutate(byte[] bytes) {
    byte[] mutated = bytes.clone();
    for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
      mutated = mutated.length == 0 ? new byte[] {1} : change(mutated);
    }
    return mutated;
  }

  private byte[] change(byte[] bytes) {
    int at = random.nextInt(bytes.length);
    int length = Math.min(bytes.length - at, 1 + random.nextInt(64));
    switch (random.nextInt(9)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) random.nextInt();
      case 2 -> overwrite(bytes, at, Short.BYTES);
      case 3 -> overwrite(bytes, at, Integer.BYTES);
      case 4 -> overwrite(bytes, at, Long.BYTES);
      case 5 -> {
        return splice(bytes, at, at + length, new byte[0]); // removed
      }
      case 6 -> {
        return splice(bytes, at, at, Arrays.copyOfRange(bytes, at, at + length)); // twice
      }
      case 7 -> {
        int from = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, from + length);
        return splice(bytes, at, at, Arrays.copyOfRange(bytes, from, to)); // elsewhere too
      }
      default -> {
        return Arrays.copyOf(bytes, at);
      }
    }
    return bytes;
  }

  private void overwrite(byte[] bytes, int at, int width) {
    ByteBuffer edge = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    edge.putLong(EDGES[random.nextInt(EDGES.length)]);
    System.arraycopy(edge.array(), 0, bytes, at, Math.min(width, bytes.length - at));
  }

  private static byte[] splice(byte[] bytes, int from, int to, byte[] inserted) {
    byte[] spliced = new byte[bytes.length - (to - from) + inserted.length];
    System.arraycopy(bytes, 0, spliced, 0, from);
    System.arraycopy(inserted, 0, spliced, from, inserted.length);
    System.arraycopy(bytes, to, spliced, from + inserted.length, bytes.length - to);
    return spliced;
  }
}
