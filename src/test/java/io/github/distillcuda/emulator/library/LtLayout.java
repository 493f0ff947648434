package io.github.distillcuda.emulator.library;

/** A cublasLt layout, as it was described: anything goes until it is used. */
record LtLayout(int type, long rows, long columns, long ld) {
  boolean hasEmulatedType() {
    return ElementType.ofCuda(type).isPresent();
  }

  boolean isPossible() {
    return rows > 0 && columns > 0 && ld >= rows;
  }

  Matrix at(long address, DeviceArrays arrays) {
    ElementType elementType = ElementType.ofCuda(type).orElseThrow();
    return new Matrix(
        arrays, address, elementType, Math.toIntExact(rows), Math.toIntExact(columns), ld);
  }
}
