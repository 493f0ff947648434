package io.github.distillcuda.emulator.memory;

/**
 * Which accesses of one launch are ordered, seen from the block that is running: a thread is
 * ordered with itself, a warp by its warp barriers, a block by its block barriers, a cluster by its
 * cluster barriers. Other blocks are not ordered with each other, whatever order they run in here.
 *
 * <p>Accesses of threads in several blocks of a cluster to one byte are not told apart from those
 * of unrelated blocks: a later write to what several blocks have read counts as a race.
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
  private long clusterStart;
  private long clusterEnd;
  private int clusterEpoch;

  public HappensBefore(AccessNames names) {
    this.names = names;
  }

  /** From now on accesses come from the cluster with these warps. */
  public void enterCluster(long firstWarp, int warps) {
    clusterStart = Stamp.ofWarp(firstWarp, 0);
    clusterEnd = Stamp.ofWarp(firstWarp + warps, 0);
  }

  /**
   * From now on accesses come from the block with these warps, whose last barrier was at an epoch.
   */
  public void enterBlock(long firstWarp, int warps, int epoch) {
    blockStart = Stamp.ofWarp(firstWarp, 0);
    blockEnd = Stamp.ofWarp(firstWarp + warps, 0);
    blockEpoch = epoch;
  }

  /**
   * From now on accesses come from a warp that has waited for what its cluster did before an epoch.
   */
  public void enterWarp(int newClusterEpoch) {
    clusterEpoch = newClusterEpoch;
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
    if (spread > Stamp.BLOCK) {
      return false;
    }
    int epoch = Stamp.epoch(earlier);
    return (isOfThisBlock(earlier) && epoch < blockEpoch)
        || (epoch < clusterEpoch && earlier >= clusterStart && earlier < clusterEnd);
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
