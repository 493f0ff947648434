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

  /** Returns the bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
