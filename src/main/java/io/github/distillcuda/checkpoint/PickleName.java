package io.github.distillcuda.checkpoint;

import io.github.distillcuda.tensor.DType;

/**
 * The names that a pickle may mention. Pickle means them as things to import and call; here each is
 * a constant that a {@code switch} on literal strings yields, so that no name from a file is ever
 * looked up anywhere.
 */
enum PickleName {
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

  /**
   * Returns the constant of a name.
   *
   * @throws InvalidFileException if it is not on the list
   */
  static PickleName of(String module, String name) throws InvalidFileException {
    String qualified = module + " " + name;
    return switch (qualified) {
      case "collections OrderedDict" -> ORDERED_DICT;
      case "torch._utils _rebuild_tensor_v2" -> REBUILD_TENSOR;
      case "torch._utils _rebuild_parameter" -> REBUILD_PARAMETER;
      case "torch FloatStorage" -> FLOAT_STORAGE;
      case "torch DoubleStorage" -> DOUBLE_STORAGE;
      case "torch HalfStorage" -> HALF_STORAGE;
      case "torch BFloat16Storage" -> BFLOAT16_STORAGE;
      case "torch LongStorage",
          "torch IntStorage",
          "torch ShortStorage",
          "torch CharStorage",
          "torch ByteStorage",
          "torch BoolStorage" ->
          OTHER_STORAGE;
      default ->
          throw new InvalidFileException(
              "it names "
                  + Printable.name(module + "." + name)
                  + ", which is not on the list of what a state dict needs;"
                  + " save model.state_dict() alone");
    };
  }
}
