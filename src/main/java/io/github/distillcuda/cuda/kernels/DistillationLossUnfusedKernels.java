package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;

import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * The chains that the fused loss is compared with, {@code kernels/distillation_loss_unfused.cu},
 * which lists the operations of both in order.
 */
public final class DistillationLossUnfusedKernels {
  private static final String PTX = "compute_75/distillation_loss_unfused.ptx";
  private static final int BLOCK = 256;
  private static final List<ClassRange> RANGES =
      List.of(ClassRange.C32, ClassRange.C128, ClassRange.C1024);

  /** y = value. */
  public static final KernelSignature FILL =
      KernelSignature.of(PTX, "fill_unfused_f32_v0")
          .float32("value")
          .out("y", FLOAT32, KernelSizes::n)
          .sizes("n")
          .launch(DistillationLossUnfusedKernels::byElement);

  /** y = a*factor. */
  public static final KernelSignature SCALE =
      KernelSignature.of(PTX, "scale_unfused_f32_v0")
          .in("a", FLOAT32, KernelSizes::n)
          .float32("factor")
          .out("y", FLOAT32, KernelSizes::n)
          .sizes("n")
          .launch(DistillationLossUnfusedKernels::byElement);

  /** y = a + b. */
  public static final KernelSignature ADD = ofTwo("add");

  /** y = a - b. */
  public static final KernelSignature SUBTRACT = ofTwo("subtract");

  /** y = a*b. */
  public static final KernelSignature MULTIPLY = ofTwo("multiply");

  /** y = a*log(a), 0 where a is 0. */
  public static final KernelSignature XLOGX =
      KernelSignature.of(PTX, "xlogx_unfused_f32_v0")
          .in("a", FLOAT32, KernelSizes::n)
          .out("y", FLOAT32, KernelSizes::n)
          .sizes("n")
          .launch(DistillationLossUnfusedKernels::byElement);

  /** y = -a of one element, for all n. */
  public static final KernelSignature NEGATE_EXPAND =
      KernelSignature.of(PTX, "negate_expand_unfused_f32_v0")
          .in("a", FLOAT32, sizes -> 1)
          .out("y", FLOAT32, KernelSizes::n)
          .sizes("n")
          .launch(DistillationLossUnfusedKernels::byElement);

  /** Elements that one block of {@link #SUM} takes where there are several. */
  public static final int SUM_CHUNK = 4096;

  /** One partial sum a block; with more than one, a second launch adds those. */
  public static final KernelSignature SUM =
      KernelSignature.of(PTX, "sum_unfused_f32_v0")
          .in("x", FLOAT32, KernelSizes::n)
          .out("partials", FLOAT32, sizes -> Math.ceilDiv(sizes.n(), SUM_CHUNK))
          .sizes("n")
          .launch(sizes -> LaunchConfig.covering(sizes.n(), SUM_CHUNK, BLOCK));

  /** The mean negative log-likelihood and the number of labelled rows. */
  public static final KernelSignature NLL =
      KernelSignature.of(PTX, "nll_unfused_f32_v0")
          .in("logS", FLOAT32, KernelSizes::rows)
          .in("labels", INT32, KernelSizes::rows)
          .out("loss", FLOAT32, sizes -> 1)
          .out("labelledRows", INT32, sizes -> 1)
          .sizes("rows", "classes")
          .launch(sizes -> LaunchConfig.of(1, BLOCK));

  /** Its gradient. */
  public static final KernelSignature NLL_BACKWARD =
      KernelSignature.of(PTX, "nll_backward_unfused_f32_v0")
          .in("dLoss", FLOAT32, sizes -> 1)
          .in("labels", INT32, KernelSizes::rows)
          .in("labelledRows", INT32, sizes -> 1)
          .out("dLogS", FLOAT32, KernelSizes::logits)
          .sizes("rows", "classes")
          .launch(DistillationLossUnfusedKernels::byMatrixElement);

  /** dz of the weighted mean cross-entropy, from the log-sum-exp of the forward pass. */
  public static final KernelSignature CROSS_ENTROPY_BACKWARD =
      KernelSignature.of(PTX, "cross_entropy_backward_unfused_f32_v0")
          .in("z", FLOAT32, KernelSizes::logits)
          .in("logSumExp", FLOAT32, KernelSizes::rows)
          .in("labels", INT32, KernelSizes::rows)
          .in("labelledRows", INT32, sizes -> 1)
          .out("dz", FLOAT32, KernelSizes::logits)
          .float32("alpha")
          .sizes("rows", "classes")
          .launch(DistillationLossUnfusedKernels::byMatrixElement);

  /** T^2*KL a row from q and log p, by range of classes, narrowest first. */
  public static final List<KernelSignature> KL_FORWARD =
      byRange("kl_forward", DistillationLossUnfusedKernels::klForward);

  /** Cross-entropy, log-sum-exp and outcome a row. */
  public static final List<KernelSignature> CROSS_ENTROPY_FORWARD =
      byRange("cross_entropy_forward", DistillationLossUnfusedKernels::crossEntropyForward);

  /** The outcome of a row alone, which PyTorch's user gets by argmax and a comparison. */
  public static final List<KernelSignature> ROW_OUTCOME =
      byRange("row_outcome", DistillationLossUnfusedKernels::rowOutcome);

  static final List<KernelSignature> ALL =
      Stream.of(
              List.of(FILL, SCALE, ADD, SUBTRACT, MULTIPLY, XLOGX, NEGATE_EXPAND, SUM),
              List.of(NLL, NLL_BACKWARD, CROSS_ENTROPY_BACKWARD),
              KL_FORWARD,
              CROSS_ENTROPY_FORWARD,
              ROW_OUTCOME)
          .flatMap(List::stream)
          .toList();

  private DistillationLossUnfusedKernels() {}

  private static KernelSignature ofTwo(String op) {
    return KernelSignature.of(PTX, op + "_unfused_f32_v0")
        .in("a", FLOAT32, KernelSizes::n)
        .in("b", FLOAT32, KernelSizes::n)
        .out("y", FLOAT32, KernelSizes::n)
        .sizes("n")
        .launch(DistillationLossUnfusedKernels::byElement);
  }

  static KernelSignature.Builder klForward(KernelSignature.Builder kernel, ElementType type) {
    return kernel
        .in("q", type, KernelSizes::logits)
        .in("logP", type, KernelSizes::logits)
        .out("distillation", FLOAT32, KernelSizes::rows)
        .float32("temperature");
  }

  static KernelSignature.Builder crossEntropyForward(
      KernelSignature.Builder kernel, ElementType type) {
    return kernel
        .in("z", type, KernelSizes::logits)
        .in("labels", INT32, KernelSizes::rows)
        .out("crossEntropy", FLOAT32, KernelSizes::rows)
        .out("logSumExp", FLOAT32, KernelSizes::rows)
        .out("outcome", INT32, KernelSizes::rows);
  }

  static KernelSignature.Builder rowOutcome(KernelSignature.Builder kernel, ElementType type) {
    return kernel
        .in("z", type, KernelSizes::logits)
        .in("labels", INT32, KernelSizes::rows)
        .out("outcome", INT32, KernelSizes::rows);
  }

  private static List<KernelSignature> byRange(
      String op,
      BiFunction<KernelSignature.Builder, ElementType, KernelSignature.Builder> parameters) {
    return RANGES.stream()
        .map(
            range ->
                parameters
                    .apply(
                        KernelSignature.of(PTX, "%s_%s_unfused_f32_v0".formatted(op, range.name())),
                        FLOAT32)
                    .sizes("rows", "classes")
                    .requires(range.requirement(), range::covers)
                    .launch(range::launch))
        .toList();
  }

  private static LaunchConfig byElement(KernelSizes sizes) {
    return LaunchConfig.covering(sizes.n(), BLOCK, BLOCK);
  }

  private static LaunchConfig byMatrixElement(KernelSizes sizes) {
    return LaunchConfig.covering(sizes.logits(), BLOCK, BLOCK);
  }
}
