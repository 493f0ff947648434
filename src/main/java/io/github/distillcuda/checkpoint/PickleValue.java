package io.github.distillcuda.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the pickle of a PyTorch file can consist of. Plain data: no value can do anything, and
 * nothing walks through one deeper than the state dict of tensors that is looked for.
 */
sealed interface PickleValue {
  /** A string. */
  record Text(String value) implements PickleValue {}

  /** An integer of at most 64 bits. */
  record Whole(long value) implements PickleValue {}

  /** A value that no state dict of ours needs: none, true, false, a float, a longer integer. */
  enum Other implements PickleValue {
    VALUE
  }

  /** A name from the closed list of {@link PickleName}. */
  record Named(PickleName name) implements PickleValue {}

  /** A tuple, or a list that more is appended to. */
  record Sequence(List<PickleValue> items, boolean appendable) implements PickleValue {}

  /**
   * A dictionary, whose keys are strings or longs: both ordered, so that no choice of keys is slow.
   */
  final class Dictionary implements PickleValue {
    /** Shared until the first entry: a hostile file may make many empty dictionaries. */
    private Map<Object, PickleValue> entries = Map.of();

    /** Whether more than {@code dict} is meant, so that attributes may follow. */
    private final boolean ordered;

    Dictionary(boolean ordered) {
      this.ordered = ordered;
    }

    boolean ordered() {
      return ordered;
    }

    Map<Object, PickleValue> entries() {
      return entries;
    }

    /** Returns false if the key is there already. */
    boolean put(Object key, PickleValue value) {
      if (entries.isEmpty()) {
        entries = new LinkedHashMap<>();
      }
      return entries.put(key, value) == null;
    }
  }

  /**
   * The elements of one or more tensors, in an entry of their own.
   *
   * @param type the element type
   * @param key the entry's name under {@code data/}
   * @param elements how many there are
   */
  record Storage(PickleName type, String key, long elements) implements PickleValue {}

  /**
   * A tensor as a view of a storage; nothing of it is checked yet.
   *
   * @param storage where its elements lie
   * @param offset the first one
   * @param extents the shape
   * @param strides the distance, in elements, between neighbours along each axis
   */
  record TensorView(Storage storage, long offset, List<Long> extents, List<Long> strides)
      implements PickleValue {}
}
