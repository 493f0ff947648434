package io.github.distillcuda.cuda;

/**
 * Bytes in the memory of a GPU: a buffer, a range of one, or memory that another library owns.
 *
 * <p>An address of CUDA is a number that the host cannot follow; nothing here reads what is there.
 */
public sealed interface DeviceRange permits DeviceBuffer, DeviceSpan, DeviceRange.Foreign {
  /** Returns the address of the first byte. */
  long address();

  /** Returns the length. */
  long byteSize();

  /**
   * Returns memory of another library, such as the {@code CUdeviceptr} of a JCuda program. It stays
   * that library's: it must be in the context of whoever uses the range, and outlive the work.
   *
   * @throws IllegalArgumentException if the address is 0 or there are no bytes
   */
  static DeviceRange foreign(long address, long byteSize) {
    return new Foreign(address, byteSize);
  }

  /**
   * Memory that another library owns; see {@link #foreign}.
   *
   * @param address of the first byte, not 0
   * @param byteSize at least 1
   */
  record Foreign(long address, long byteSize) implements DeviceRange {
    /** Checks that there is something. */
    public Foreign {
      if (address == 0 || byteSize < 1) {
        throw new IllegalArgumentException(
            "%d bytes at the address 0x%x are not device memory".formatted(byteSize, address));
      }
    }
  }
}
