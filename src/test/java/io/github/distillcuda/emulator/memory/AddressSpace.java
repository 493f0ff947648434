package io.github.distillcuda.emulator.memory;

/** Finds the region that an address belongs to. */
public interface AddressSpace {
  /**
   * The region that {@code address} lies in or near; {@link Region#locate} then says whether the
   * access fits.
   *
   * @param lane whose access it is: each has its own local memory
   */
  Region regionNear(long address, int lane);
}
