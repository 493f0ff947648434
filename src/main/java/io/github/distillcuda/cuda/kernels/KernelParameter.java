package io.github.distillcuda.cuda.kernels;

import java.util.function.ToLongFunction;

/** One parameter of a kernel, in the order of its signature. */
public sealed interface KernelParameter {
  /** Returns the name, as in the CUDA source. */
  String name();

  /** Returns the type in PTX, such as {@code u64}. */
  String ptxType();

  /** A 32-bit integer, one of the launch's {@link KernelSizes}. */
  record Int(String name) implements KernelParameter {
    @Override
    public String ptxType() {
      return "u32";
    }
  }

  /** A float. */
  record Float32(String name) implements KernelParameter {
    @Override
    public String ptxType() {
      return "f32";
    }
  }

  /** A double. */
  record Float64(String name) implements KernelParameter {
    @Override
    public String ptxType() {
      return "f64";
    }
  }

  /**
   * A device address.
   *
   * @param element what it points to
   * @param reads elements that a launch reads, each counted once; arrays that are read by index,
   *     such as a data set, are larger
   * @param writes elements that a launch writes
   * @param nullable whether the address may be 0, and then nothing is read or written
   */
  record Pointer(
      String name,
      ElementType element,
      ToLongFunction<KernelSizes> reads,
      ToLongFunction<KernelSizes> writes,
      boolean nullable)
      implements KernelParameter {
    @Override
    public String ptxType() {
      return "u64";
    }

    /** Returns the bytes that must cross memory at least, each input and each output once. */
    public long floorBytes(KernelSizes sizes) {
      return element.bytes() * (reads.applyAsLong(sizes) + writes.applyAsLong(sizes));
    }
  }
}
