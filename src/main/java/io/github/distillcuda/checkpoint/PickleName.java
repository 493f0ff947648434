package io.github.distillcuda.checkpoint;

import io.github.distillcuda.pickle.PickleValue;
import io.github.distillcuda.tensor.DType;

/**
 * The names that a pickle may mention. Pickle means them as things to import and call; here each is
 * a constant that a {@code switch} on literal strings yields, so that no name from a file is ever
 * looked up anywhere.
 */
enum PickleName implements PickleValue {
  ORDERED_DICT,
  REBUILD_TENSOR,
  REBUILD_PARAMETER,
  FLOAT_STORAGE(DType.FLOAT32),
  DOUBLE_STORAGE(DType.FLOAT64),
  HALF_STORAGE(DType.FLOAT16),
  BFLOAT16_STORAGE(DType.BFLOAT16),
  /** Integers and booleans: they stand in optimizer and random states, which are not read. */
  OTHER_STORAGE;

  private final DType dtype;

  PickleName() {
    this(null);
  }

  PickleName(DType dtype) {
    this.dtype = dtype;
  }

  /** Returns the element type of a storage that is read, else null. */
  DType dtype() {
    return dtype;
  }

  /** Returns whether this is a kind of storage. */
  boolean isStorage() {
    return dtype != null || this == OTHER_STORAGE;
  }
}
