package io.github.distillcuda.cuda;

/**
 * A range of a buffer, which owns it.
 *
 * @param buffer the buffer
 * @param offset its first byte
 * @param byteSize its length
 */
public record DeviceSpan(DeviceBuffer buffer, long offset, long byteSize) implements DeviceRange {
  /** Returns all of a buffer. */
  public static DeviceSpan of(DeviceBuffer buffer) {
    return new DeviceSpan(buffer, 0, buffer.byteSize());
  }

  @Override
  public long address() {
    return buffer.address(offset, byteSize);
  }
}
