package io.github.distillcuda.emulator.memory;

/**
 * Who touched a byte, when and by which instruction, in one {@code long}, because two of them stand
 * beside every word of memory:
 *
 * <pre>
 *  62..32       31..27  26..15  14..3     2..1    0
 *  warp serial  lane    epoch   position  spread  atomic
 * </pre>
 *
 * The warp serial counts warps since the memory was made, so a stamp of an earlier launch is a
 * smaller number. The epoch grows at every barrier that the warp passes; after a block barrier all
 * warps of the block have the same one. The position is the instruction's, for messages. The spread
 * says how far the threads lie apart for which one stamp stands, when several have read a byte.
 */
public final class Stamp {
  /** Nobody: the byte is uninitialised, or was never read. */
  public static final long NONE = 0;

  /** The host, before any launch. */
  public static final long HOST = 1L << 27;

  public static final int MAX_EPOCH = (1 << 12) - 1;
  public static final long MAX_WARP_SERIAL = (1L << 31) - 1;

  /** Stands for itself and for every later instruction of a very long kernel. */
  public static final int MAX_POSITION = (1 << 12) - 1;

  static final long ATOMIC = 1;
  static final int THREAD = 0;
  static final int WARP = 1;
  static final int BLOCK = 2;
  static final int GRID = 3;

  private static final int SPREAD_SHIFT = 1;
  private static final int POSITION_SHIFT = 3;
  private static final int EPOCH_SHIFT = 15;
  private static final int LANE_SHIFT = 27;
  private static final int WARP_SHIFT = 32;

  private Stamp() {}

  /** The stamp of lane 0 at position 0; {@link #of} makes the others from it. */
  public static long ofWarp(long warpSerial, int epoch) {
    return warpSerial << WARP_SHIFT | (long) epoch << EPOCH_SHIFT;
  }

  public static long of(long warpStamp, int lane, int position) {
    return warpStamp
        | (long) lane << LANE_SHIFT
        | (long) Math.min(position, MAX_POSITION) << POSITION_SHIFT;
  }

  static long warpSerial(long stamp) {
    return stamp >>> WARP_SHIFT;
  }

  static int lane(long stamp) {
    return (int) (stamp >>> LANE_SHIFT) & 31;
  }

  static boolean sameThread(long a, long b) {
    return a >>> LANE_SHIFT == b >>> LANE_SHIFT;
  }

  static boolean sameWarp(long a, long b) {
    return a >>> WARP_SHIFT == b >>> WARP_SHIFT;
  }

  static int epoch(long stamp) {
    return (int) (stamp >>> EPOCH_SHIFT) & MAX_EPOCH;
  }

  static int position(long stamp) {
    return (int) (stamp >>> POSITION_SHIFT) & MAX_POSITION;
  }

  static int spread(long stamp) {
    return (int) (stamp >>> SPREAD_SHIFT) & 3;
  }

  static long withSpread(long stamp, int spread) {
    return stamp & ~(3L << SPREAD_SHIFT) | (long) spread << SPREAD_SHIFT;
  }

  static boolean isAtomic(long stamp) {
    return (stamp & ATOMIC) != 0;
  }
}
