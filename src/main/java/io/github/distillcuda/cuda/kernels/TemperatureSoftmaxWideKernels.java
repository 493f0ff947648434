package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Softmax and log-softmax at a temperature of rows of any number of classes, float32 or bfloat16,
 * {@code kernels/temperature_softmax_wide.cu}.
 */
final class TemperatureSoftmaxWideKernels {
  private static final int STREAMED_THREADS = 512;
  private static final int ELEMENTS_PER_THREAD = 16;

  private static final Map<Operation, List<KernelSignature>> FLOAT32_KERNELS = make(FLOAT32);
  private static final Map<Operation, List<KernelSignature>> BFLOAT16_KERNELS = make(BFLOAT16);

  static final List<KernelSignature> ALL =
      Stream.of(FLOAT32_KERNELS, BFLOAT16_KERNELS)
          .flatMap(kernels -> kernels.values().stream())
          .flatMap(List::stream)
          .toList();

  private TemperatureSoftmaxWideKernels() {}

  /**
   * Returns the kernels of an operation and a type: those that hold a row, fewest classes first,
   * then the one that reads it twice.
   */
  static List<KernelSignature> of(Operation operation, ElementType type) {
    return (type == FLOAT32 ? FLOAT32_KERNELS : BFLOAT16_KERNELS).get(operation);
  }

  private static Map<Operation, List<KernelSignature>> make(ElementType type) {
    return Stream.of(Operation.values())
        .collect(Collectors.toMap(operation -> operation, operation -> make(operation, type)));
  }

  private static List<KernelSignature> make(Operation operation, ElementType type) {
    return List.of(
        held(operation, type, 256, 1),
        held(operation, type, 1024, 1),
        held(operation, type, 1024, 8),
        held(operation, type, 1024, 16),
        operation
            .parameters(symbol(type.target(), operation, type, "streamed"), type)
            .launch(sizes -> launch(sizes, 1, STREAMED_THREADS)));
  }

  private static KernelSignature held(
      Operation operation, ElementType type, int threads, int blocks) {
    String target = blocks > 1 ? "compute_90" : type.target();
    int maxClasses = threads * blocks * ELEMENTS_PER_THREAD;
    return operation
        .parameters(symbol(target, operation, type, "c" + maxClasses), type)
        .requires("at most " + maxClasses + " classes", sizes -> sizes.get("classes") <= maxClasses)
        .cluster(blocks)
        .launch(sizes -> launch(sizes, blocks, threads));
  }

  private static KernelSignature.Builder symbol(
      String target, Operation operation, ElementType type, String range) {
    return KernelSignature.of(
        target + "/temperature_softmax_wide.ptx",
        "%s_%s_fused_%s_v1".formatted(operation.symbol(), range, type.dtype()));
  }

  private static LaunchConfig launch(KernelSizes sizes, int blocks, int threads) {
    return LaunchConfig.of(sizes.get("rows") * blocks, threads);
  }
}
