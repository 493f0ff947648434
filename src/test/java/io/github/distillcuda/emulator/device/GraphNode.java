package io.github.distillcuda.emulator.device;

import java.util.Set;

/**
 * An operation of a recording.
 *
 * @param number its place in the order of recording, from 0
 * @param before what must be done first
 */
record GraphNode(int number, DeviceWork work, Set<GraphNode> before) {
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return number;
  }

  @Override
  public String toString() {
    return work.name() + " (node " + number + ")";
  }
}
