package io.github.distillcuda.cuda.kernels;

import java.util.ArrayList;
import java.util.List;

/**
 * The distillation loss with its gradient in the three forms that are compared: one launch, one
 * kernel per formula, and the operations that PyTorch's eager mode runs. All end with the gradient
 * dz; the first two leave both terms and the outcome of each row, the third the means of the batch.
 * {@code kernels/distillation_loss_unfused.cu} says which result each operation takes.
 */
public final class LossChains {
  /**
   * One launch of a chain.
   *
   * @param operation what it computes, in the words of the chain
   * @param kernel the kernel
   * @param sizes its integer arguments
   */
  public record Launch(String operation, KernelSignature kernel, KernelSizes sizes) {}

  private LossChains() {}

  /** Returns the fused loss. */
  public static List<Launch> fused(int rows, int classes) {
    Chain chain = new Chain(rows, classes);
    chain.byRow("distillation loss and gradient", DistillationLossKernels.SELECTED);
    return chain.launches;
  }

  /** Returns the chain of one kernel per formula. */
  public static List<Launch> formulas(int rows, int classes) {
    Chain chain = new Chain(rows, classes);
    chain.byRow("q = softmax(v/T)", TemperatureSoftmaxKernels.SOFTMAX);
    chain.byRow("log p = log_softmax(z/T)", TemperatureSoftmaxKernels.LOG_SOFTMAX);
    chain.byRow("T^2*KL", UnfusedLossKernels.KL_FORWARD);
    chain.byRow("CE", UnfusedLossKernels.CROSS_ENTROPY_FORWARD);
    chain.tensor("d log p = -alpha*T^2*q/N", UnfusedLossKernels.SCALE);
    chain.byRow("dz of T^2*KL", TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD);
    chain.matrix("dz of CE", UnfusedLossKernels.CROSS_ENTROPY_BACKWARD);
    chain.tensor("dz", UnfusedLossKernels.ADD);
    return chain.launches;
  }

  /**
   * Returns the operations of PyTorch 2 for {@code alpha * kl_div(log_softmax(z/T), softmax(v/T),
   * reduction="batchmean") * T^2 + (1-alpha) * cross_entropy(z, y)} and its backward pass, in the
   * order of its dispatcher.
   */
  public static List<Launch> eager(int rows, int classes) {
    Chain chain = new Chain(rows, classes);
    chain.tensor("z/T", UnfusedLossKernels.SCALE);
    chain.byRow("log_softmax", TemperatureSoftmaxKernels.LOG_SOFTMAX);
    chain.tensor("v/T", UnfusedLossKernels.SCALE);
    chain.byRow("softmax", TemperatureSoftmaxKernels.SOFTMAX);
    chain.tensor("mul(target, input)", UnfusedLossKernels.MULTIPLY);
    chain.tensor("xlogy(target, target)", UnfusedLossKernels.XLOGX);
    chain.tensor("sub", UnfusedLossKernels.SUBTRACT);
    chain.sum("sum");
    chain.scalar("div by N", UnfusedLossKernels.SCALE);
    chain.scalar("mul by T^2", UnfusedLossKernels.SCALE);
    chain.scalar("mul by alpha", UnfusedLossKernels.SCALE);
    chain.byRow("log_softmax", TemperatureSoftmaxKernels.LOG_SOFTMAX);
    chain.matrix("nll_loss_forward", UnfusedLossKernels.NLL);
    chain.scalar("mul by 1-alpha", UnfusedLossKernels.SCALE);
    chain.scalar("add", UnfusedLossKernels.ADD);
    chain.scalar("ones_like", UnfusedLossKernels.FILL);
    chain.scalar("mul by 1-alpha", UnfusedLossKernels.SCALE);
    chain.matrix("nll_loss_backward", UnfusedLossKernels.NLL_BACKWARD);
    chain.byRow("_log_softmax_backward_data", TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD);
    chain.scalar("mul by alpha", UnfusedLossKernels.SCALE);
    chain.scalar("mul by T^2", UnfusedLossKernels.SCALE);
    chain.scalar("div by N", UnfusedLossKernels.SCALE);
    chain.tensor("neg(expand)", UnfusedLossKernels.NEGATE_EXPAND);
    chain.tensor("mul", UnfusedLossKernels.MULTIPLY);
    chain.byRow("_log_softmax_backward_data", TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD);
    chain.tensor("div by T", UnfusedLossKernels.SCALE);
    chain.tensor("add", UnfusedLossKernels.ADD);
    return chain.launches;
  }

  /** Returns the least traffic of a chain: what each launch must read and write. */
  public static long floorBytes(List<Launch> chain) {
    return chain.stream().mapToLong(launch -> launch.kernel.floorBytes(launch.sizes)).sum();
  }

  /** Collects launches for one shape. */
  private static final class Chain {
    private final List<Launch> launches = new ArrayList<>();
    private final KernelSizes matrix;
    private final int elements;

    Chain(int rows, int classes) {
      matrix = KernelSizes.of("rows", rows, "classes", classes);
      elements = Math.multiplyExact(rows, classes);
    }

    void byRow(String operation, List<KernelSignature> byRange) {
      matrix(operation, KernelCatalog.select(byRange, matrix));
    }

    void matrix(String operation, KernelSignature kernel) {
      launches.add(new Launch(operation, kernel, matrix));
    }

    void tensor(String operation, KernelSignature kernel) {
      launches.add(new Launch(operation, kernel, KernelSizes.of("n", elements)));
    }

    void scalar(String operation, KernelSignature kernel) {
      launches.add(new Launch(operation, kernel, KernelSizes.of("n", 1)));
    }

    /** Partial sums, one a block, until one block is enough. */
    void sum(String operation) {
      KernelSizes sizes = KernelSizes.of("n", elements);
      while (true) {
        launches.add(new Launch(operation, UnfusedLossKernels.SUM, sizes));
        int blocks = UnfusedLossKernels.SUM.launch(sizes).gridX();
        if (blocks == 1) {
          return;
        }
        sizes = KernelSizes.of("n", blocks);
      }
    }
  }
}
