package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.StateLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Launches that are timed as one.
 *
 * @param operation what they compute, such as {@code distillation loss}
 * @param variant by which kernels, such as {@code eager chain}
 * @param steps in order
 * @param floorBytes the traffic that the operation needs: each input and each output once
 */
record Workload(String operation, String variant, List<Step> steps, long floorBytes) {

  /**
   * One launch.
   *
   * @param arrays the array of each pointer parameter, by name; those that share one share memory
   * @param numbers the value of each float and double parameter
   */
  record Step(
      KernelSignature kernel,
      KernelSizes sizes,
      Map<String, String> arrays,
      Map<String, Double> numbers) {}

  /**
   * An array that steps use.
   *
   * @param parameter a parameter that it is the argument of
   * @param byteSize as many as the step with the most needs
   */
  record ArraySpec(String name, KernelParameter.Pointer parameter, long byteSize) {}

  /** One launch, whose floor is that of its kernel; every parameter has an array of its name. */
  static Workload of(String operation, KernelSignature kernel, KernelSizes sizes) {
    return new Workload(
        operation,
        kernel.symbol(),
        List.of(new Step(kernel, sizes, Map.of(), Map.of())),
        kernel.floorBytes(sizes));
  }

  /**
   * The arrays by name, in order of first use.
   *
   * @param images of the data set
   */
  Map<String, ArraySpec> arrays(int images) {
    Map<String, ArraySpec> arrays = new LinkedHashMap<>();
    for (Step step : steps) {
      for (KernelParameter.Pointer pointer : step.kernel.pointers()) {
        String name = step.arrays.getOrDefault(pointer.name(), pointer.name());
        ArraySpec spec = new ArraySpec(name, pointer, byteSize(pointer, step.sizes, images));
        arrays.merge(name, spec, (a, b) -> a.byteSize >= b.byteSize ? a : b);
      }
    }
    return arrays;
  }

  private static long byteSize(KernelParameter.Pointer pointer, KernelSizes sizes, int images) {
    return switch (pointer.name()) {
      case "data" -> (long) images * 3 * 1024;
      case "dataLabels" -> images;
      case "order" -> (long) images * Integer.BYTES;
      case "teacherCache", "table" ->
          Math.max(images, sizes.get("rows")) * sizes.get("classes") * Float.BYTES;
      case "state" -> StateLayout.BYTES;
      default ->
          pointer.element().bytes()
              * Math.max(pointer.reads().applyAsLong(sizes), pointer.writes().applyAsLong(sizes));
    };
  }

  /** Bytes of all arrays. */
  long byteSize(int images) {
    return arrays(images).values().stream().mapToLong(ArraySpec::byteSize).sum();
  }

  /** Sizes of the first step, for the results. */
  KernelSizes sizes() {
    return steps.getFirst().sizes;
  }
}
