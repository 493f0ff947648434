package io.github.distillcuda.cuda;

import io.github.distillcuda.cuda.kernels.ElementType;
import java.util.Arrays;

/**
 * Checks the arrays of one call, which the device would not: that each is long enough and aligned,
 * and that nothing is written where another array lies. Used again for every call, so that one
 * allocates nothing.
 */
final class DeviceArguments {
  private static final int MOST = 8;

  private final CudaContext context;

  private final String[] names = new String[MOST];
  private final long[] begins = new long[MOST];
  private final long[] ends = new long[MOST];
  private final boolean[] written = new boolean[MOST];
  private int count;

  /**
   * Makes the checks of calls in a context.
   *
   * @param context in which arrays of ours must be
   */
  DeviceArguments(CudaContext context) {
    this.context = context;
  }

  /** Forgets the arrays of the call before. */
  void clear() {
    count = 0;
  }

  /**
   * Returns the address of an array that is read.
   *
   * @throws IllegalArgumentException if it is missing, of another context, too short, not aligned,
   *     or overwritten
   */
  long in(String name, DeviceRange range, ElementType type, long elements) {
    return add(name, range, type, elements, false);
  }

  /**
   * Returns the address of an array that is written.
   *
   * @param over the arrays that it may take the place of, from the first byte on
   * @throws IllegalArgumentException if it is missing, of another context, too short, not aligned,
   *     or overlaps
   */
  long out(String name, DeviceRange range, ElementType type, long elements, String... over) {
    return add(name, range, type, elements, true, over);
  }

  private long add(
      String name,
      DeviceRange range,
      ElementType type,
      long elements,
      boolean isWritten,
      String... over) {
    if (range == null) {
      throw new IllegalArgumentException(name + " is missing");
    }
    requireContext(name, range);
    long bytes = Math.multiplyExact(elements, type.bytes());
    if (range.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "%s has %,d bytes, but %,d elements of %s take %,d"
              .formatted(name, range.byteSize(), elements, type, bytes));
    }
    long begin = range.address();
    if (begin % type.bytes() != 0) {
      throw new IllegalArgumentException(
          "%s begins at 0x%x, which is not aligned for %s".formatted(name, begin, type));
    }
    for (int i = 0; i < count; i++) {
      boolean overlaps = begin < ends[i] && begins[i] < begin + bytes;
      boolean inPlace = begin == begins[i] && Arrays.asList(over).contains(names[i]);
      if (overlaps && (isWritten || written[i]) && !inPlace) {
        throw new IllegalArgumentException(
            "%s at 0x%x overlaps %s at 0x%x".formatted(name, begin, names[i], begins[i]));
      }
    }
    names[count] = name;
    begins[count] = begin;
    ends[count] = begin + bytes;
    written[count] = isWritten;
    count++;
    return begin;
  }

  private void requireContext(String name, DeviceRange range) {
    DeviceBuffer buffer =
        switch (range) {
          case DeviceBuffer all -> all;
          case DeviceSpan span -> span.buffer();
          case DeviceRange.Foreign foreign -> null; // whose owner alone knows
        };
    if (buffer != null && !buffer.context().isSame(context)) {
      throw new IllegalArgumentException(
          "%s is in %s, not in %s".formatted(name, buffer.context(), context));
    }
  }
}
