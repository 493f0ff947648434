package io.github.distillcuda.emulator.memory;

/**
 * Which accesses of one launch are ordered, seen from the block that is running: a thread is
 * ordered with itself, a warp by its warp barriers, a block by its block barriers. Blocks are not
 * ordered with each other, whatever order they run in here.
 */
public final class HappensBefore {
  /** Tells people who made an access, and where. */
  public interface AccessNames {
    String nameOf(long warpSerial, int lane, int position);
  }

  private final AccessNames names;
  private long blockStart;
  private long blockEnd;
  private int blockEpoch;

  public HappensBefore(AccessNames names) {
    this.names = names;
  }

  /** From now on accesses come from the block with these warps. */
  public void enterBlock(long firstWarp, int warps) {
    blockStart = Stamp.ofWarp(firstWarp, 0);
    blockEnd = Stamp.ofWarp(firstWarp + warps, 0);
    blockEpoch = 0;
  }

  /** All threads of the block have met, and are at the same new epoch now. */
  public void passBlockBarrier(int newEpoch) {
    blockEpoch = newEpoch;
  }

  /** Whether all that {@code earlier} stands for is ordered before the thread of {@code now}. */
  boolean isBefore(long earlier, long now) {
    int spread = Stamp.spread(earlier);
    if (spread == Stamp.THREAD && Stamp.sameThread(earlier, now)) {
      return true;
    }
    if (spread <= Stamp.WARP && Stamp.sameWarp(earlier, now)) {
      return Stamp.epoch(earlier) < Stamp.epoch(now);
    }
    return spread <= Stamp.BLOCK && isOfThisBlock(earlier) && Stamp.epoch(earlier) < blockEpoch;
  }

  /**
   * One stamp for all whose accesses still matter after {@code now}: those of {@code earlier} that
   * are not ordered before it, and {@code now} itself.
   */
  long join(long earlier, long now) {
    if (isBefore(earlier, now)) {
      return now;
    }
    return Stamp.withSpread(now, Math.max(Stamp.spread(earlier), distance(earlier, now)));
  }

  String describe(long stamp) {
    String one = names.nameOf(Stamp.warpSerial(stamp), Stamp.lane(stamp), Stamp.position(stamp));
    return Stamp.spread(stamp) == Stamp.THREAD ? one : one + " and others";
  }

  private int distance(long a, long b) {
    if (Stamp.sameThread(a, b)) {
      return Stamp.THREAD;
    }
    if (Stamp.sameWarp(a, b)) {
      return Stamp.WARP;
    }
    return isOfThisBlock(a) ? Stamp.BLOCK : Stamp.GRID;
  }

  private boolean isOfThisBlock(long stamp) {
    return stamp >= blockStart && stamp < blockEnd;
  }
}
