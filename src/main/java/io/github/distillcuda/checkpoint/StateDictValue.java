package io.github.distillcuda.checkpoint;

import io.github.distillcuda.pickle.PickleValue;
import java.util.List;

/** What the pickle of a PyTorch file has beside the common values, and {@link PickleName}s. */
interface StateDictValue extends PickleValue {
  /** A string. */
  record Text(String value) implements StateDictValue {}

  /** A float or a longer integer, which no state dict of ours needs. */
  enum Unread implements StateDictValue {
    VALUE
  }

  /** Python's {@code OrderedDict}, which attributes may follow. */
  final class OrderedDictionary extends Dictionary {}

  /**
   * The elements of one or more tensors, in an entry of their own.
   *
   * @param type the element type
   * @param key the entry's name under {@code data/}
   * @param elements how many there are
   */
  record Storage(PickleName type, String key, long elements) implements StateDictValue {}

  /**
   * A tensor as a view of a storage; nothing of it is checked yet.
   *
   * @param storage where its elements lie
   * @param offset the first one
   * @param extents the shape
   * @param strides the distance, in elements, between neighbours along each axis
   */
  record TensorView(Storage storage, long offset, List<Long> extents, List<Long> strides)
      implements StateDictValue {}
}
