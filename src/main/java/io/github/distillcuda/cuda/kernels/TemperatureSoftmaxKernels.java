package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import java.util.List;
import java.util.stream.Stream;

/** Softmax and log-softmax at a temperature, {@code kernels/temperature_softmax.cu}. */
public final class TemperatureSoftmaxKernels {
  private static final String PTX = "compute_75/temperature_softmax.ptx";

  /** The softmax by range of classes, narrowest first. */
  public static final List<KernelSignature> SOFTMAX = forward("temperature_softmax");

  /** The log-softmax. */
  public static final List<KernelSignature> LOG_SOFTMAX = forward("temperature_log_softmax");

  /** The backward pass of the softmax. */
  public static final List<KernelSignature> SOFTMAX_BACKWARD =
      backward("temperature_softmax_backward");

  /** The backward pass of the log-softmax. */
  public static final List<KernelSignature> LOG_SOFTMAX_BACKWARD =
      backward("temperature_log_softmax_backward");

  static final List<KernelSignature> ALL =
      Stream.of(SOFTMAX, LOG_SOFTMAX, SOFTMAX_BACKWARD, LOG_SOFTMAX_BACKWARD)
          .flatMap(List::stream)
          .toList();

  private TemperatureSoftmaxKernels() {}

  private static List<KernelSignature> forward(String op) {
    return byRange(op, "x", "y");
  }

  private static List<KernelSignature> backward(String op) {
    return byRange(op, "dy", "y", "dx");
  }

  /** The last pointer is the output, the others are inputs. */
  private static List<KernelSignature> byRange(String op, String... pointers) {
    return Stream.of(ClassRange.C32, ClassRange.C128, ClassRange.C1024)
        .map(range -> signature(op, range, pointers))
        .toList();
  }

  private static KernelSignature signature(String op, ClassRange range, String... pointers) {
    KernelSignature.Builder kernel =
        KernelSignature.of(PTX, "%s_%s_fused_f32_v1".formatted(op, range.name()));
    int last = pointers.length - 1;
    for (int i = 0; i < last; i++) {
      kernel.in(pointers[i], FLOAT32, sizes -> sizes.product("rows", "classes"));
    }
    return kernel
        .out(pointers[last], FLOAT32, sizes -> sizes.product("rows", "classes"))
        .float32("temperature")
        .sizes("rows", "classes")
        .requires(range.requirement(), range::covers)
        .launch(range::launch);
  }
}
