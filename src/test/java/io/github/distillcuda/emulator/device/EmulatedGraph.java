package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.machine.ExecutionOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A recording, which is done in any order that its dependencies allow: what a device may run side
 * by side is done here in an order of choice, so that a missing dependency shows.
 */
final class EmulatedGraph {
  private final List<GraphNode> nodes;

  EmulatedGraph(List<GraphNode> nodes) {
    this.nodes = List.copyOf(nodes);
  }

  List<GraphNode> nodes() {
    return nodes;
  }

  /** Returns all work, each after what it depends on; of what is ready the order's first. */
  List<DeviceWork> inOrder(ExecutionOrder order) {
    int[] turns = order.of(nodes.size());
    Set<GraphNode> done = new HashSet<>();
    List<DeviceWork> sequence = new ArrayList<>();
    while (sequence.size() < nodes.size()) {
      for (int turn : turns) {
        GraphNode node = nodes.get(turn);
        if (!done.contains(node) && done.containsAll(node.before())) {
          done.add(node);
          sequence.add(node.work());
          break;
        }
      }
    }
    return sequence;
  }
}
