package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;

import java.util.List;

/**
 * The chains of {@link DistillationLossUnfusedKernels} for vocabularies, {@code
 * kernels/distillation_loss_unfused_wide.cu}: row kernels for any number of classes, and the
 * element kernels in bfloat16.
 */
public final class DistillationLossUnfusedWideKernels {
  private static final int ROW_THREADS = 512;
  private static final int BLOCK = 256;
  private static final int ELEMENTS_PER_THREAD = 8;

  /** Kernels that know rows from elements count the latter in 32 bits. */
  private static final String FITS = "fewer than 2^31 logits";

  /** y = a*factor, in bfloat16 as all of the following. */
  public static final KernelSignature SCALE =
      out(element("scale").in("a", BFLOAT16, KernelSizes::n).float32("factor"));

  /** y = a + b. */
  public static final KernelSignature ADD = ofTwo("add");

  /** y = a - b. */
  public static final KernelSignature SUBTRACT = ofTwo("subtract");

  /** y = a*b. */
  public static final KernelSignature MULTIPLY = ofTwo("multiply");

  /** y = a*log(a), 0 where a is 0. */
  public static final KernelSignature XLOGX =
      out(element("xlogx").in("a", BFLOAT16, KernelSizes::n));

  /** y = -a of one float32, for all n. */
  public static final KernelSignature NEGATE_EXPAND =
      out(element("negate_expand").in("a", FLOAT32, sizes -> 1));

  /** One float32 partial sum a block, which {@link DistillationLossUnfusedKernels#SUM} adds. */
  public static final KernelSignature SUM =
      element("sum")
          .in("x", BFLOAT16, KernelSizes::n)
          .out(
              "partials",
              FLOAT32,
              sizes -> Math.ceilDiv(sizes.n(), DistillationLossUnfusedKernels.SUM_CHUNK))
          .sizes("n")
          .launch(
              sizes ->
                  LaunchConfig.covering(
                      sizes.n(), DistillationLossUnfusedKernels.SUM_CHUNK, BLOCK));

  /** The mean negative log-likelihood and the number of labelled rows. */
  public static final KernelSignature NLL =
      element("nll")
          .in("logS", BFLOAT16, KernelSizes::rows)
          .in("labels", INT32, KernelSizes::rows)
          .out("loss", FLOAT32, sizes -> 1)
          .out("labelledRows", INT32, sizes -> 1)
          .sizes("rows", "classes")
          .launch(sizes -> LaunchConfig.of(1, BLOCK));

  /** Its gradient. */
  public static final KernelSignature NLL_BACKWARD =
      element("nll_backward")
          .in("dLoss", FLOAT32, sizes -> 1)
          .in("labels", INT32, KernelSizes::rows)
          .in("labelledRows", INT32, sizes -> 1)
          .out("dLogS", BFLOAT16, KernelSizes::logits)
          .sizes("rows", "classes")
          .requires(FITS, DistillationLossUnfusedWideKernels::fits)
          .launch(sizes -> byEight(sizes.logits()));

  /** dz of the weighted mean cross-entropy, from the log-sum-exp of the forward pass. */
  public static final KernelSignature CROSS_ENTROPY_BACKWARD =
      element("cross_entropy_backward")
          .in("z", BFLOAT16, KernelSizes::logits)
          .in("logSumExp", FLOAT32, KernelSizes::rows)
          .in("labels", INT32, KernelSizes::rows)
          .in("labelledRows", INT32, sizes -> 1)
          .out("dz", BFLOAT16, KernelSizes::logits)
          .float32("alpha")
          .sizes("rows", "classes")
          .requires(FITS, DistillationLossUnfusedWideKernels::fits)
          .launch(sizes -> byEight(sizes.logits()));

  /**
   * The kernels by row of one type.
   *
   * @param klForward T^2*KL from q and log p
   * @param crossEntropyForward cross-entropy, log-sum-exp and outcome
   * @param rowOutcome the outcome alone
   */
  private record ByRow(
      KernelSignature klForward, KernelSignature crossEntropyForward, KernelSignature rowOutcome) {
    static ByRow of(ElementType type) {
      return new ByRow(
          byRow(DistillationLossUnfusedKernels.klForward(row("kl_forward", type), type)),
          byRow(
              DistillationLossUnfusedKernels.crossEntropyForward(
                  row("cross_entropy_forward", type), type)),
          byRow(DistillationLossUnfusedKernels.rowOutcome(row("row_outcome", type), type)));
    }
  }

  private static final ByRow FLOAT32_ROWS = ByRow.of(FLOAT32);
  private static final ByRow BFLOAT16_ROWS = ByRow.of(BFLOAT16);

  static final List<KernelSignature> ALL =
      List.of(
          SCALE,
          ADD,
          SUBTRACT,
          MULTIPLY,
          XLOGX,
          NEGATE_EXPAND,
          SUM,
          NLL,
          NLL_BACKWARD,
          CROSS_ENTROPY_BACKWARD,
          FLOAT32_ROWS.klForward,
          FLOAT32_ROWS.crossEntropyForward,
          FLOAT32_ROWS.rowOutcome,
          BFLOAT16_ROWS.klForward,
          BFLOAT16_ROWS.crossEntropyForward,
          BFLOAT16_ROWS.rowOutcome);

  private DistillationLossUnfusedWideKernels() {}

  private static ByRow rows(ElementType type) {
    return type == FLOAT32 ? FLOAT32_ROWS : BFLOAT16_ROWS;
  }

  /** Returns T^2*KL a row from q and log p. */
  public static KernelSignature klForward(ElementType type) {
    return rows(type).klForward;
  }

  /** Returns cross-entropy, log-sum-exp and outcome a row. */
  public static KernelSignature crossEntropyForward(ElementType type) {
    return rows(type).crossEntropyForward;
  }

  /** Returns the outcome of a row alone. */
  public static KernelSignature rowOutcome(ElementType type) {
    return rows(type).rowOutcome;
  }

  private static KernelSignature.Builder row(String op, ElementType type) {
    return KernelSignature.of(
        type.target() + "/distillation_loss_unfused_wide.ptx",
        "%s_streamed_unfused_%s_v0".formatted(op, type.dtype()));
  }

  private static KernelSignature byRow(KernelSignature.Builder kernel) {
    return kernel
        .sizes("rows", "classes")
        .requires("less than 2^24 classes", sizes -> sizes.get("classes") < 1 << 24)
        .launch(sizes -> LaunchConfig.of(sizes.rows(), ROW_THREADS));
  }

  private static KernelSignature.Builder element(String op) {
    return KernelSignature.of(
        "compute_80/distillation_loss_unfused_wide.ptx", op + "_unfused_bf16_v0");
  }

  private static KernelSignature ofTwo(String op) {
    return out(element(op).in("a", BFLOAT16, KernelSizes::n).in("b", BFLOAT16, KernelSizes::n));
  }

  private static KernelSignature out(KernelSignature.Builder kernel) {
    return kernel.out("y", BFLOAT16, KernelSizes::n).sizes("n").launch(sizes -> byEight(sizes.n()));
  }

  private static LaunchConfig byEight(long elements) {
    return LaunchConfig.covering(elements, BLOCK * ELEMENTS_PER_THREAD, BLOCK);
  }

  private static boolean fits(KernelSizes sizes) {
    return sizes.logits() <= Integer.MAX_VALUE;
  }
}
