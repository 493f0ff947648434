package io.github.distillcuda.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The values that can occur in a CIFAR-10 pickle; nothing else can be made of its bytes. */
sealed interface PickledValue {
  /** A byte string: a stretch of the file. */
  record Bytes(int offset, int length) implements PickledValue {}

  /** A whole number, or False and True as 0 and 1. */
  record Whole(int value) implements PickledValue {}

  /** Python's None. */
  record Nothing() implements PickledValue {}

  /** A list, which grows, or a tuple, which does not. */
  record Sequence(List<PickledValue> items, boolean isList) implements PickledValue {
    static Sequence list() {
      return new Sequence(new ArrayList<>(), true);
    }

    static Sequence tuple(List<PickledValue> items) {
      return new Sequence(items, false);
    }
  }

  /** A dictionary whose keys are strings. */
  record Entries(Map<String, PickledValue> byKey) implements PickledValue {
    Entries() {
      this(new LinkedHashMap<>());
    }
  }

  /** The three names of numpy that the official files hold. They stand for themselves only. */
  enum Name implements PickledValue {
    RECONSTRUCT("numpy.core.multiarray", "_reconstruct"),
    ARRAY("numpy", "ndarray"),
    ELEMENT_TYPE("numpy", "dtype");

    private final String module;
    private final String name;

    Name(String module, String name) {
      this.module = module;
      this.name = name;
    }

    boolean is(String otherModule, String otherName) {
      return module.equals(otherModule) && name.equals(otherName);
    }
  }

  /** numpy's type of unsigned bytes. */
  record UnsignedByte() implements PickledValue {}

  /** A numpy array; its state, (version, shape, type, order, bytes), is set by BUILD. */
  final class Array implements PickledValue {
    private Sequence state;

    Sequence state() {
      return state;
    }

    void setState(Sequence state) {
      this.state = state;
    }
  }
}
