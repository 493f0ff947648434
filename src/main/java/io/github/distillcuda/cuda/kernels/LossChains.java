package io.github.distillcuda.cuda.kernels;

import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The distillation loss with its gradient in the three forms that are compared: one launch, one
 * kernel per formula, and the operations that PyTorch's eager mode runs. These lists are what is
 * recorded in a training step, counted and timed.
 *
 * <p>All take the arrays z, v and labels and end with the gradient dz. The first two leave both
 * terms and the outcome of each row in distillation, crossEntropy and outcome, and take the number
 * of labelled rows; the third leaves the means {@link #DISTILLATION_MEAN} and {@link
 * #CROSS_ENTROPY_MEAN} of the batch. With alpha 0 no chain reads the teacher, with alpha 1 none the
 * labels but for the outcome, and the eager one then does not weigh the term that is left.
 */
public final class LossChains {
  /** The array of one element in which the eager chain leaves the mean of T^2*KL. */
  public static final String DISTILLATION_MEAN = "T^2*KL";

  /** The array of one element in which the eager chain leaves the mean cross-entropy. */
  public static final String CROSS_ENTROPY_MEAN = "CE";

  /**
   * What is to be computed.
   *
   * @param type of the logits and of what passes between the kernels; what is one number stays
   *     float32, which is kind to the chains in bfloat16
   * @param rows N
   * @param classes C
   * @param temperature T
   * @param alpha the weight of the distillation term
   */
  public record Loss(ElementType type, int rows, int classes, double temperature, double alpha) {
    boolean isSoft() {
      return alpha > 0;
    }

    boolean isHard() {
      return alpha < 1;
    }

    boolean isBoth() {
      return isSoft() && isHard();
    }

    private KernelSizes matrix() {
      return KernelSizes.of("rows", rows, "classes", classes);
    }
  }

  /**
   * One launch of a chain.
   *
   * @param operation what it computes, in the words of the chain
   * @param kernel the kernel
   * @param sizes its integer arguments
   * @param numbers its floating-point arguments by parameter
   * @param arrays the arrays of its pointers by parameter
   */
  public record Launch(
      String operation,
      KernelSignature kernel,
      KernelSizes sizes,
      Map<String, Double> numbers,
      Map<String, String> arrays) {}

  private LossChains() {}

  /** Returns the fused loss by the kernel of up to 1,024 classes in float32. */
  public static List<Launch> fused(Loss loss) {
    return fused(loss, KernelCatalog.select(DistillationLossFusedKernels.SELECTED, loss.matrix()));
  }

  /** Returns the fused loss by one kernel, such as one of a vocabulary. */
  public static List<Launch> fused(Loss loss, KernelSignature kernel) {
    Chain chain = new Chain(loss);
    chain.matrix(
        "distillation loss", kernel, Map.of("temperature", loss.temperature, "alpha", loss.alpha));
    return chain.launches;
  }

  /** Returns the chain of one kernel per formula. */
  public static List<Launch> formulas(Loss loss) {
    Chain chain = new Chain(loss);
    LossChainKernels kernels = chain.kernels;
    double t = loss.temperature;
    if (loss.isSoft()) {
      chain.softmax("q = softmax(v/T)", Operation.SOFTMAX, t, "x", "v", "y", "q");
      chain.softmax("log p = log_softmax(z/T)", Operation.LOG_SOFTMAX, t, "x", "z", "y", "logP");
      chain.byRow("T^2*KL", kernels.klForward(), Map.of("temperature", t));
    }
    if (loss.isHard()) {
      chain.byRow("CE", kernels.crossEntropyForward(), Map.of());
    } else {
      chain.byRow("outcome", kernels.rowOutcome(), Map.of());
    }
    if (loss.isSoft()) {
      chain.scale("d log p", -loss.alpha * t * t / loss.rows, "q", "dLogP");
      String dz = loss.isBoth() ? "dzOfKl" : "dz";
      chain.logSoftmaxBackward("dz of T^2*KL", t, "dLogP", "logP", dz);
    }
    if (loss.isHard()) {
      String dz = loss.isBoth() ? "dzOfCe" : "dz";
      Map<String, Double> alpha = Map.of("alpha", loss.alpha);
      chain.matrix("dz of CE", kernels.crossEntropyBackward(), alpha, "dz", dz);
    }
    if (loss.isBoth()) {
      chain.tensor("dz", kernels.add(), "a", "dzOfKl", "b", "dzOfCe", "y", "dz");
    }
    return chain.launches;
  }

  /**
   * Returns the operations of PyTorch 2 for {@code alpha * kl_div(log_softmax(z/T), softmax(v/T),
   * reduction="batchmean") * T^2 + (1-alpha) * cross_entropy(z, y)} and its backward pass, in the
   * order of its dispatcher.
   */
  public static List<Launch> eager(Loss loss) {
    Chain chain = new Chain(loss);
    if (loss.isSoft()) {
      chain.eagerKl();
    }
    if (loss.isHard()) {
      chain.eagerCrossEntropy();
    }
    if (loss.isBoth()) {
      chain.scalar(
          "add",
          DistillationLossUnfusedKernels.ADD,
          "a",
          "alpha*T^2*KL",
          "b",
          "(1-alpha)*CE",
          "y",
          "loss");
    }
    chain.ones();
    if (loss.isHard()) {
      chain.eagerCrossEntropyBackward();
    }
    if (loss.isSoft()) {
      chain.eagerKlBackward();
    }
    if (loss.isBoth()) {
      chain.tensor("add", chain.kernels.add(), "a", "dzOfCe", "b", "dzOfKl", "y", "dz");
    }
    return chain.launches;
  }

  /** Returns the launch for the outcome of each row, which the eager chain does not leave. */
  public static Launch rowOutcome(Loss loss) {
    Chain chain = new Chain(loss);
    chain.byRow("outcome", chain.kernels.rowOutcome(), Map.of());
    return chain.launches.getFirst();
  }

  /** Collects launches. */
  private static final class Chain {
    private final List<Launch> launches = new ArrayList<>();
    private final Loss loss;
    private final LossChainKernels kernels;

    Chain(Loss loss) {
      this.loss = loss;
      kernels = LossChainKernels.of(loss.type);
    }

    void eagerKl() {
      double t = loss.temperature;
      scale("z/T", 1 / t, "z", "z/T");
      softmax("log_softmax", Operation.LOG_SOFTMAX, 1, "x", "z/T", "y", "logP");
      scale("v/T", 1 / t, "v", "v/T");
      softmax("softmax", Operation.SOFTMAX, 1, "x", "v/T", "y", "q");
      tensor("mul(target, input)", kernels.multiply(), "a", "q", "b", "logP", "y", "q*logP");
      tensor("xlogy(target, target)", kernels.xlogx(), "a", "q", "y", "q*logQ");
      tensor("sub", kernels.subtract(), "a", "q*logQ", "b", "q*logP", "y", "terms");
      String sum = sum("terms");
      scaleScalar("div by N", 1.0 / loss.rows, sum, "KL");
      scaleScalar("mul by T^2", t * t, "KL", DISTILLATION_MEAN);
      if (loss.isBoth()) {
        scaleScalar("mul by alpha", loss.alpha, DISTILLATION_MEAN, "alpha*T^2*KL");
      }
    }

    void eagerCrossEntropy() {
      softmax("log_softmax", Operation.LOG_SOFTMAX, 1, "x", "z", "y", "logS");
      matrix(
          "nll_loss_forward",
          kernels.nll(),
          Map.of(),
          "loss",
          CROSS_ENTROPY_MEAN,
          "labelledRows",
          "counted");
      if (loss.isBoth()) {
        scaleScalar("mul by 1-alpha", 1 - loss.alpha, CROSS_ENTROPY_MEAN, "(1-alpha)*CE");
      }
    }

    void ones() {
      add(
          "ones_like",
          DistillationLossUnfusedKernels.FILL,
          KernelSizes.of("n", 1),
          Map.of("value", 1.0),
          "y",
          "one");
    }

    void eagerCrossEntropyBackward() {
      if (loss.isBoth()) {
        scaleScalar("mul by 1-alpha", 1 - loss.alpha, "one", "dCe");
      }
      String dCe = loss.isBoth() ? "dCe" : "one";
      matrix(
          "nll_loss_backward",
          kernels.nllBackward(),
          Map.of(),
          "dLoss",
          dCe,
          "labelledRows",
          "counted");
      String dz = loss.isBoth() ? "dzOfCe" : "dz";
      logSoftmaxBackward("_log_softmax_backward_data", 1, "dLogS", "logS", dz);
    }

    void eagerKlBackward() {
      double t = loss.temperature;
      if (loss.isBoth()) {
        scaleScalar("mul by alpha", loss.alpha, "one", "dT^2*KL");
      }
      scaleScalar("mul by T^2", t * t, loss.isBoth() ? "dT^2*KL" : "one", "dKl");
      scaleScalar("div by N", 1.0 / loss.rows, "dKl", "dSum");
      tensor("neg(expand)", kernels.negateExpand(), "a", "dSum", "y", "dTerms");
      tensor("mul", kernels.multiply(), "a", "dTerms", "b", "q", "y", "dLogP");
      logSoftmaxBackward("_log_softmax_backward_data", 1, "dLogP", "logP", "dz/T");
      scale("div by T", 1 / t, "dz/T", loss.isBoth() ? "dzOfKl" : "dz");
    }

    /** By one block a row, as PyTorch's: clusters are the fused loss's own. */
    void softmax(String operation, Operation softmax, double temperature, String... arrays) {
      List<KernelSignature> kernels =
          TemperatureSoftmaxKernels.of(softmax, loss.type).stream()
              .filter(kernel -> kernel.clusterBlocks() == 1)
              .toList();
      byRow(operation, kernels, Map.of("temperature", temperature), arrays);
    }

    void logSoftmaxBackward(String operation, double temperature, String dy, String y, String dx) {
      softmax(operation, Operation.LOG_SOFTMAX_BACKWARD, temperature, "dy", dy, "y", y, "dx", dx);
    }

    void byRow(
        String operation,
        List<KernelSignature> byRange,
        Map<String, Double> numbers,
        String... arrays) {
      matrix(operation, KernelCatalog.select(byRange, loss.matrix()), numbers, arrays);
    }

    void matrix(
        String operation, KernelSignature kernel, Map<String, Double> numbers, String... arrays) {
      add(operation, kernel, loss.matrix(), numbers, arrays);
    }

    void tensor(String operation, KernelSignature kernel, String... arrays) {
      add(operation, kernel, elements(), Map.of(), arrays);
    }

    void scale(String operation, double factor, String from, String to) {
      add(operation, kernels.scale(), elements(), Map.of("factor", factor), "a", from, "y", to);
    }

    void scalar(String operation, KernelSignature kernel, String... arrays) {
      add(operation, kernel, KernelSizes.of("n", 1), Map.of(), arrays);
    }

    void scaleScalar(String operation, double factor, String from, String to) {
      add(
          operation,
          DistillationLossUnfusedKernels.SCALE,
          KernelSizes.of("n", 1),
          Map.of("factor", factor),
          "a",
          from,
          "y",
          to);
    }

    /** Partial sums, one a block, until one block is enough; returns the array of the sum. */
    String sum(String of) {
      KernelSizes sizes = elements();
      KernelSignature sum = kernels.sum();
      String from = of;
      while (true) {
        String to = "sum of " + from;
        add("sum", sum, sizes, Map.of(), "x", from, "partials", to);
        int blocks = sum.launch(sizes).gridX();
        if (blocks == 1) {
          return to;
        }
        sum = DistillationLossUnfusedKernels.SUM;
        sizes = KernelSizes.of("n", blocks);
        from = to;
      }
    }

    private KernelSizes elements() {
      return KernelSizes.of("n", Math.multiplyExact(loss.rows, loss.classes));
    }

    /** Pointers whose array is not given have one of their own name. */
    private void add(
        String operation,
        KernelSignature kernel,
        KernelSizes sizes,
        Map<String, Double> numbers,
        String... parametersAndArrays) {
      Map<String, String> arrays = new HashMap<>();
      kernel.pointers().forEach(pointer -> arrays.put(pointer.name(), pointer.name()));
      for (int i = 0; i < parametersAndArrays.length; i += 2) {
        arrays.put(parametersAndArrays[i], parametersAndArrays[i + 1]);
      }
      launches.add(new Launch(operation, kernel, sizes, numbers, arrays));
    }
  }
}
