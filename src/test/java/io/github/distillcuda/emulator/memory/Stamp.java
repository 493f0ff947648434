package io.github.distillcuda.emulator.memory;

/**
 * Who touched a byte and when, in one {@code long}, because two of them stand beside every word of
 * memory:
 *
 * <pre>
 *  62..32       31..27   26..15        14..3        2..1     0
 *  warp serial  lane     block epoch   warp epoch   spread   atomic
 * </pre>
 *
 * The warp serial counts warps since the memory was made, so a stamp of an earlier launch is a
 * smaller number. The block epoch counts the block barriers that the thread has passed, the warp
 * epoch the warp barriers since then. The spread says how far the threads lie apart for which one
 * stamp stands, when several have read a byte.
 */
public final class Stamp {
  /** Nobody: the byte is uninitialised, or was never read. */
  public static final long NONE = 0;

  /** The host, before any launch. */
  public static final long HOST = 1L << 27;

  public static final int MAX_EPOCH = (1 << 12) - 1;
  public static final long MAX_WARP_SERIAL = (1L << 31) - 1;

  static final long ATOMIC = 1;
  static final int THREAD = 0;
  static final int WARP = 1;
  static final int BLOCK = 2;
  static final int GRID = 3;

  private static final int SPREAD_SHIFT = 1;
  private static final int WARP_EPOCH_SHIFT = 3;
  private static final int BLOCK_EPOCH_SHIFT = 15;
  private static final int LANE_SHIFT = 27;
  private static final int WARP_SHIFT = 32;

  private Stamp() {}

  /** The stamp of lane 0; {@link #ofLane} makes the others from it. */
  public static long ofWarp(long warpSerial, int blockEpoch, int warpEpoch) {
    return warpSerial << WARP_SHIFT
        | (long) blockEpoch << BLOCK_EPOCH_SHIFT
        | (long) warpEpoch << WARP_EPOCH_SHIFT;
  }

  public static long ofLane(long warpStamp, int lane) {
    return warpStamp | (long) lane << LANE_SHIFT;
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

  static int blockEpoch(long stamp) {
    return (int) (stamp >>> BLOCK_EPOCH_SHIFT) & MAX_EPOCH;
  }

  /** Block and warp epoch as one number that grows over the life of a warp. */
  static int warpTime(long stamp) {
    return (int) (stamp >>> WARP_EPOCH_SHIFT) & ((1 << 24) - 1);
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
