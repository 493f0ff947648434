package io.github.distillcuda.emulator.device;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A recording while it is made: its nodes, and of every stream in it what its next node follows.
 */
final class Capture {
  /** Where an event stands in a recording. */
  record Point(Capture capture, Set<GraphNode> nodes) {}

  private final EmulatedStream origin;
  private final Thread thread = Thread.currentThread();
  private final List<GraphNode> nodes = new ArrayList<>();
  private final Map<EmulatedStream, Set<GraphNode>> tips = new LinkedHashMap<>();
  private boolean invalidated;
  private boolean ended;

  /** Begins a recording of a stream. */
  Capture(EmulatedStream origin) {
    this.origin = origin;
    tips.put(origin, Set.of());
    origin.setCapture(this);
  }

  EmulatedStream origin() {
    return origin;
  }

  Thread thread() {
    return thread;
  }

  boolean isInvalidated() {
    return invalidated;
  }

  /** A rule was broken: nothing comes of this recording any more. */
  void invalidate() {
    invalidated = true;
  }

  boolean isEnded() {
    return ended;
  }

  void add(EmulatedStream stream, DeviceWork work) {
    GraphNode node = new GraphNode(nodes.size(), work, tips.get(stream));
    nodes.add(node);
    tips.put(stream, Set.of(node));
  }

  Point point(EmulatedStream stream) {
    return new Point(this, tips.get(stream));
  }

  /** Lets what follows in a stream follow a point too; a stream from outside joins. */
  void follow(EmulatedStream stream, Point point) {
    Set<GraphNode> both = new HashSet<>(tips.getOrDefault(stream, Set.of()));
    both.addAll(point.nodes());
    tips.put(stream, Set.copyOf(both));
    stream.setCapture(this);
  }

  /**
   * Whether all that other streams did is followed by something in the first one, or is its end.
   */
  boolean isJoined() {
    Set<GraphNode> reached = new HashSet<>(tips.get(origin));
    Deque<GraphNode> open = new ArrayDeque<>(reached);
    while (!open.isEmpty()) {
      for (GraphNode earlier : open.remove().before()) {
        if (reached.add(earlier)) {
          open.add(earlier);
        }
      }
    }
    return tips.values().stream().allMatch(reached::containsAll);
  }

  /** Ends the recording: its streams run their work again. */
  EmulatedGraph end() {
    ended = true;
    tips.keySet().forEach(stream -> stream.setCapture(null));
    return new EmulatedGraph(nodes);
  }
}
