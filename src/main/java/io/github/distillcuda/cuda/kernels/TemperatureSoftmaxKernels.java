package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import java.util.List;
import java.util.stream.Stream;

/** Softmax and log-softmax at a temperature, {@code kernels/temperature_softmax.cu}. */
public final class TemperatureSoftmaxKernels {
  private static final String PTX = "compute_75/temperature_softmax.ptx";

  /** What the kernels compute, all of them of matrices [rows, classes] at a temperature. */
  public enum Operation {
    /** From x to y. */
    SOFTMAX("temperature_softmax", "x", "y"),
    /** From x to y. */
    LOG_SOFTMAX("temperature_log_softmax", "x", "y"),
    /** From dy and the output y to dx. */
    SOFTMAX_BACKWARD("temperature_softmax_backward", "dy", "y", "dx"),
    /** From dy and the output y to dx. */
    LOG_SOFTMAX_BACKWARD("temperature_log_softmax_backward", "dy", "y", "dx");

    private final String symbol;
    private final List<String> pointers;

    Operation(String symbol, String... pointers) {
      this.symbol = symbol;
      this.pointers = List.of(pointers);
    }

    String symbol() {
      return symbol;
    }

    /** Returns the names of the inputs and, last, of the output. */
    public List<String> pointers() {
      return pointers;
    }

    KernelSignature.Builder parameters(KernelSignature.Builder kernel, ElementType type) {
      for (String input : pointers.subList(0, pointers.size() - 1)) {
        kernel.in(input, type, KernelSizes::logits);
      }
      return kernel
          .out(pointers.getLast(), type, KernelSizes::logits)
          .float32("temperature")
          .sizes("rows", "classes");
    }
  }

  /** The softmax by range of classes, narrowest first. */
  public static final List<KernelSignature> SOFTMAX = byRange(Operation.SOFTMAX);

  /** The log-softmax. */
  public static final List<KernelSignature> LOG_SOFTMAX = byRange(Operation.LOG_SOFTMAX);

  /** The backward pass of the softmax. */
  public static final List<KernelSignature> SOFTMAX_BACKWARD = byRange(Operation.SOFTMAX_BACKWARD);

  /** The backward pass of the log-softmax. */
  public static final List<KernelSignature> LOG_SOFTMAX_BACKWARD =
      byRange(Operation.LOG_SOFTMAX_BACKWARD);

  static final List<KernelSignature> ALL =
      Stream.of(SOFTMAX, LOG_SOFTMAX, SOFTMAX_BACKWARD, LOG_SOFTMAX_BACKWARD)
          .flatMap(List::stream)
          .toList();

  private TemperatureSoftmaxKernels() {}

  /**
   * Returns every kernel of an operation, in the order in which they are to be chosen: in float32
   * to 1,024 classes one of the lists above, else those of long rows, narrowest first.
   *
   * @param type of the matrices, float32 or bfloat16
   */
  public static List<KernelSignature> of(Operation operation, ElementType type) {
    List<KernelSignature> narrow =
        switch (operation) {
          case SOFTMAX -> SOFTMAX;
          case LOG_SOFTMAX -> LOG_SOFTMAX;
          case SOFTMAX_BACKWARD -> SOFTMAX_BACKWARD;
          case LOG_SOFTMAX_BACKWARD -> LOG_SOFTMAX_BACKWARD;
        };
    return Stream.of(
            type == FLOAT32 ? narrow : List.<KernelSignature>of(),
            TemperatureSoftmaxWideKernels.of(operation, type))
        .flatMap(List::stream)
        .toList();
  }

  private static List<KernelSignature> byRange(Operation operation) {
    return Stream.of(ClassRange.C32, ClassRange.C128, ClassRange.C1024)
        .map(range -> signature(operation, range))
        .toList();
  }

  private static KernelSignature signature(Operation operation, ClassRange range) {
    String symbol = "%s_%s_fused_f32_v1".formatted(operation.symbol, range.name());
    return operation
        .parameters(KernelSignature.of(PTX, symbol), FLOAT32)
        .requires(range.requirement(), range::covers)
        .launch(range::launch);
  }
}
