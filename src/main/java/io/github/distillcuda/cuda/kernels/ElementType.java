package io.github.distillcuda.cuda.kernels;

/** The type of the elements behind a pointer of a kernel. */
public enum ElementType {
  FLOAT32(4),
  BFLOAT16(2),
  INT32(4),
  INT64(8),
  INT8(1),
  UINT8(1),
  /** Part of a step's state, counted in bytes; see {@link StateLayout}. */
  STATE(1);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns how the symbols of kernels that compute in this type name it. */
  String dtype() {
    return switch (this) {
      case FLOAT32 -> "f32";
      case BFLOAT16 -> "bf16";
      default -> throw new IllegalArgumentException("no kernel computes in " + this);
    };
  }

  /** Returns the PTX target of kernels without clusters that compute in this type. */
  String target() {
    return this == BFLOAT16 ? "compute_80" : "compute_75";
  }

  /** Returns the bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
