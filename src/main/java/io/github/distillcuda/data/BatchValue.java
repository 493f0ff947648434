package io.github.distillcuda.data;

import io.github.distillcuda.pickle.PickleValue;
import java.nio.ByteBuffer;

/** What the pickle of a CIFAR-10 batch has beside the common values. */
interface BatchValue extends PickleValue {
  /** A byte string: a stretch of the file. */
  record Bytes(ByteBuffer content) implements BatchValue {}

  /** The three names of numpy that the official files hold, and its type of unsigned bytes. */
  enum Numpy implements BatchValue {
    RECONSTRUCT,
    ARRAY,
    ELEMENT_TYPE,
    UNSIGNED_BYTE
  }

  /** A numpy array; its state, (version, shape, type, order, bytes), is set by BUILD. */
  final class Array implements BatchValue {
    private Sequence state;

    /** Returns the state, or null if it was not set. */
    Sequence state() {
      return state;
    }

    /** Returns false if it was set before. */
    boolean build(Sequence newState) {
      boolean first = state == null;
      state = newState;
      return first;
    }
  }
}
