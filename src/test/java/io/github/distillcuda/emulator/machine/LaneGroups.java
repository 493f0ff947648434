package io.github.distillcuda.emulator.machine;

/**
 * Where the lanes of a diverged warp are: groups of lanes, each at its own instruction. Running the
 * group at the lowest instruction first, and merging groups that meet, brings the lanes together
 * again right behind the branch that parted them, because compilers lay that point out behind both
 * sides.
 *
 * <p>A parked group waits for lanes of other groups to join it, and runs again when they do, or
 * when nobody is left who could.
 */
final class LaneGroups {
  private final int[] positions = new int[Warp.SIZE];
  private final int[] lanes = new int[Warp.SIZE];
  private final boolean[] parked = new boolean[Warp.SIZE];
  private int count;

  void clear() {
    count = 0;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /**
   * Adds lanes at a position, to the group there if there is one, which is then no longer parked.
   */
  void add(int position, int newLanes) {
    for (int i = 0; i < count; i++) {
      if (positions[i] == position) {
        lanes[i] |= newLanes;
        parked[i] = false;
        return;
      }
    }
    put(position, newLanes, false);
  }

  void park(int position, int newLanes) {
    put(position, newLanes, true);
  }

  private void put(int position, int newLanes, boolean isParked) {
    positions[count] = position;
    lanes[count] = newLanes;
    parked[count] = isParked;
    count++;
  }

  /** The group to run next: the lowest that is not parked, or a parked one if all are. */
  int next() {
    int lowest = -1;
    for (int i = 0; i < count; i++) {
      if (!parked[i] && (lowest < 0 || positions[i] < positions[lowest])) {
        lowest = i;
      }
    }
    return Math.max(lowest, 0);
  }

  boolean hasRunnable() {
    for (int i = 0; i < count; i++) {
      if (!parked[i]) {
        return true;
      }
    }
    return false;
  }

  int position(int group) {
    return positions[group];
  }

  int lanes(int group) {
    return lanes[group];
  }

  void remove(int group) {
    count--;
    positions[group] = positions[count];
    lanes[group] = lanes[count];
    parked[group] = parked[count];
  }

  /** The lowest position of any group: where a running group has to stop and look again. */
  int lowestPosition() {
    int lowest = Integer.MAX_VALUE;
    for (int i = 0; i < count; i++) {
      lowest = Math.min(lowest, positions[i]);
    }
    return lowest;
  }

  /** Where a lane is; -1 if it is in no group. */
  int positionOf(int lane) {
    for (int i = 0; i < count; i++) {
      if ((lanes[i] >>> lane & 1) != 0) {
        return positions[i];
      }
    }
    return -1;
  }
}
