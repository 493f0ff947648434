package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.Footprint;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A recording, which is done in any order that its dependencies allow: what a device may run side
 * by side is done here in an order of choice, so that a missing dependency shows.
 */
final class EmulatedGraph {
  private final List<GraphNode> nodes;

  /** Of each node the numbers of all that are done before it, whatever the order. */
  private final List<BitSet> before = new ArrayList<>();

  EmulatedGraph(List<GraphNode> nodes) {
    this.nodes = List.copyOf(nodes);
    for (GraphNode node : nodes) {
      BitSet numbers = new BitSet();
      for (GraphNode earlier : node.before()) {
        numbers.set(earlier.number());
        numbers.or(before.get(earlier.number()));
      }
      before.add(numbers);
    }
  }

  List<GraphNode> nodes() {
    return nodes;
  }

  /** Returns all nodes, each after what it depends on; of what is ready the order's first. */
  List<GraphNode> inOrder(ExecutionOrder order) {
    int[] turns = order.of(nodes.size());
    Set<GraphNode> done = new HashSet<>();
    List<GraphNode> sequence = new ArrayList<>();
    while (sequence.size() < nodes.size()) {
      for (int turn : turns) {
        GraphNode node = nodes.get(turn);
        if (!done.contains(node) && done.containsAll(node.before())) {
          done.add(node);
          sequence.add(node);
          break;
        }
      }
    }
    return sequence;
  }

  /**
   * Checks that it never matters which of two nodes is done first where nothing orders them, not
   * even in orders that nobody tried: they share no byte that one of them writes.
   *
   * @param footprints what each node touched, by its number
   */
  void requireNoRace(Footprint[] footprints) {
    for (GraphNode later : nodes) {
      for (GraphNode earlier : nodes.subList(0, later.number())) {
        if (!before.get(later.number()).get(earlier.number())) {
          Optional<String> conflict =
              footprints[earlier.number()].conflictWith(footprints[later.number()]);
          if (conflict.isPresent()) {
            throw EmulatorFault.ofHost(
                FaultKind.RACE,
                "nothing orders %s and %s of a graph: %s"
                    .formatted(earlier, later, conflict.get()));
          }
        }
      }
    }
  }
}
