package io.github.distillcuda.checkpoint;

import io.github.distillcuda.checkpoint.PickleValue.Dictionary;
import io.github.distillcuda.checkpoint.PickleValue.Named;
import io.github.distillcuda.checkpoint.PickleValue.Other;
import io.github.distillcuda.checkpoint.PickleValue.Sequence;
import io.github.distillcuda.checkpoint.PickleValue.Storage;
import io.github.distillcuda.checkpoint.PickleValue.TensorView;
import io.github.distillcuda.checkpoint.PickleValue.Text;
import io.github.distillcuda.checkpoint.PickleValue.Whole;
import java.util.ArrayList;
import java.util.List;

/** The three calls that a state dict's pickle may ask for, and its references to storages. */
final class PickleCalls {
  private PickleCalls() {}

  /**
   * Returns what a call yields.
   *
   * @throws InvalidFileException if it is not one of the three, or its arguments are not as {@code
   *     torch.save} writes them
   */
  static PickleValue call(PickleValue callable, PickleValue arguments) throws InvalidFileException {
    if (callable instanceof Named(PickleName name)
        && arguments instanceof Sequence(List<PickleValue> items, boolean appendable)
        && !appendable) {
      switch (name) {
        case ORDERED_DICT -> {
          if (items.isEmpty()) {
            return new Dictionary(true);
          }
        }
        case REBUILD_TENSOR -> {
          return tensor(items);
        }
        case REBUILD_PARAMETER -> {
          if (items.size() == 3 && items.getFirst() instanceof TensorView tensor) {
            return tensor;
          }
        }
        default -> {}
      }
    }
    throw new InvalidFileException("its pickle makes a call that no state dict needs");
  }

  /** {@code (storage, offset, size, stride, requires_grad, hooks[, metadata])}. */
  private static TensorView tensor(List<PickleValue> items) throws InvalidFileException {
    // Metadata may say that the tensor is the negative of what is stored: it must be absent.
    boolean known = items.size() == 6 || (items.size() == 7 && isEmpty(items.get(6)));
    if (known
        && items.get(0) instanceof Storage storage
        && items.get(1) instanceof Whole(long offset)
        && items.get(2) instanceof Sequence extents
        && items.get(3) instanceof Sequence strides
        && extents.items().size() == strides.items().size()) {
      return new TensorView(storage, offset, wholes(extents), wholes(strides));
    }
    throw new InvalidFileException("its pickle has a tensor in a form that is not read");
  }

  private static boolean isEmpty(PickleValue metadata) {
    return metadata == Other.VALUE
        || metadata instanceof Dictionary dictionary && dictionary.entries().isEmpty();
  }

  private static List<Long> wholes(Sequence sequence) throws InvalidFileException {
    if (sequence.items().size() > TensorHeader.MAX_RANK) {
      throw new InvalidFileException(
          "its pickle has a tensor of more than " + TensorHeader.MAX_RANK + " axes");
    }
    List<Long> wholes = new ArrayList<>();
    for (PickleValue item : sequence.items()) {
      if (!(item instanceof Whole(long value))) {
        throw new InvalidFileException("its pickle has a shape or stride that is not an integer");
      }
      wholes.add(value);
    }
    return wholes;
  }

  /**
   * Returns what a persistent id {@code ('storage', type, key, location, elements)} refers to.
   *
   * @throws InvalidFileException if the id has another form
   */
  static Storage storage(PickleValue id) throws InvalidFileException {
    if (id instanceof Sequence(List<PickleValue> items, boolean appendable)
        && !appendable
        && items.size() == 5
        && items.get(0) instanceof Text(String kind)
        && kind.equals("storage")
        && items.get(1) instanceof Named(PickleName type)
        && type.isStorage()
        && items.get(2) instanceof Text(String key)
        && items.get(3) instanceof Text
        && items.get(4) instanceof Whole(long elements)) {
      return new Storage(type, key, elements);
    }
    throw new InvalidFileException("its pickle refers to data in a form that is not read");
  }
}
