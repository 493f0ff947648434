package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

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

  /** The kernels of the operations in one type; those by row in the order of choice. */
  private record Kernels(
      KernelSignature scale,
      KernelSignature add,
      KernelSignature subtract,
      KernelSignature multiply,
      KernelSignature xlogx,
      KernelSignature negateExpand,
      KernelSignature sum,
      KernelSignature nll,
      KernelSignature nllBackward,
      KernelSignature crossEntropyBackward,
      List<KernelSignature> klForward,
      List<KernelSignature> crossEntropyForward) {}

  private static final Kernels FLOAT32_KERNELS =
      new Kernels(
          DistillationLossUnfusedKernels.SCALE,
          DistillationLossUnfusedKernels.ADD,
          DistillationLossUnfusedKernels.SUBTRACT,
          DistillationLossUnfusedKernels.MULTIPLY,
          DistillationLossUnfusedKernels.XLOGX,
          DistillationLossUnfusedKernels.NEGATE_EXPAND,
          DistillationLossUnfusedKernels.SUM,
          DistillationLossUnfusedKernels.NLL,
          DistillationLossUnfusedKernels.NLL_BACKWARD,
          DistillationLossUnfusedKernels.CROSS_ENTROPY_BACKWARD,
          and(
              DistillationLossUnfusedKernels.KL_FORWARD,
              DistillationLossUnfusedWideKernels.klForward(FLOAT32)),
          and(
              DistillationLossUnfusedKernels.CROSS_ENTROPY_FORWARD,
              DistillationLossUnfusedWideKernels.crossEntropyForward(FLOAT32)));

  private static final Kernels BFLOAT16_KERNELS =
      new Kernels(
          DistillationLossUnfusedWideKernels.SCALE,
          DistillationLossUnfusedWideKernels.ADD,
          DistillationLossUnfusedWideKernels.SUBTRACT,
          DistillationLossUnfusedWideKernels.MULTIPLY,
          DistillationLossUnfusedWideKernels.XLOGX,
          DistillationLossUnfusedWideKernels.NEGATE_EXPAND,
          DistillationLossUnfusedWideKernels.SUM,
          DistillationLossUnfusedWideKernels.NLL,
          DistillationLossUnfusedWideKernels.NLL_BACKWARD,
          DistillationLossUnfusedWideKernels.CROSS_ENTROPY_BACKWARD,
          List.of(DistillationLossUnfusedWideKernels.klForward(BFLOAT16)),
          List.of(DistillationLossUnfusedWideKernels.crossEntropyForward(BFLOAT16)));

  private LossChains() {}

  private static List<KernelSignature> and(List<KernelSignature> kernels, KernelSignature last) {
    return Stream.concat(kernels.stream(), Stream.of(last)).toList();
  }

  /** Returns the fused loss. */
  public static List<Launch> fused(int rows, int classes) {
    Chain chain = new Chain(FLOAT32, rows, classes);
    chain.byRow("distillation loss and gradient", DistillationLossFusedKernels.SELECTED);
    return chain.launches;
  }

  /** Returns the loss by one kernel, such as one of a vocabulary. */
  public static List<Launch> fused(KernelSignature kernel, int rows, int classes) {
    Chain chain = new Chain(FLOAT32, rows, classes);
    chain.matrix("distillation loss and gradient", kernel);
    return chain.launches;
  }

  /** Returns the chain of one kernel per formula in float32. */
  public static List<Launch> formulas(int rows, int classes) {
    return formulas(FLOAT32, rows, classes);
  }

  /**
   * Returns the chain of one kernel per formula.
   *
   * @param type of the logits and of what passes between the kernels
   */
  public static List<Launch> formulas(ElementType type, int rows, int classes) {
    Chain chain = new Chain(type, rows, classes);
    Kernels kernels = chain.kernels;
    chain.softmax("q = softmax(v/T)", Operation.SOFTMAX);
    chain.softmax("log p = log_softmax(z/T)", Operation.LOG_SOFTMAX);
    chain.byRow("T^2*KL", kernels.klForward);
    chain.byRow("CE", kernels.crossEntropyForward);
    chain.tensor("d log p = -alpha*T^2*q/N", kernels.scale);
    chain.softmax("dz of T^2*KL", Operation.LOG_SOFTMAX_BACKWARD);
    chain.matrix("dz of CE", kernels.crossEntropyBackward);
    chain.tensor("dz", kernels.add);
    return chain.launches;
  }

  /**
   * Returns the operations of PyTorch 2 for {@code alpha * kl_div(log_softmax(z/T), softmax(v/T),
   * reduction="batchmean") * T^2 + (1-alpha) * cross_entropy(z, y)} and its backward pass, in the
   * order of its dispatcher, in float32.
   */
  public static List<Launch> eager(int rows, int classes) {
    return eager(FLOAT32, rows, classes);
  }

  /**
   * Returns the same in a type. What is one number stays float32, which is kind to bfloat16.
   *
   * @param type of the logits and of what passes between the kernels
   */
  public static List<Launch> eager(ElementType type, int rows, int classes) {
    Chain chain = new Chain(type, rows, classes);
    Kernels kernels = chain.kernels;
    chain.tensor("z/T", kernels.scale);
    chain.softmax("log_softmax", Operation.LOG_SOFTMAX);
    chain.tensor("v/T", kernels.scale);
    chain.softmax("softmax", Operation.SOFTMAX);
    chain.tensor("mul(target, input)", kernels.multiply);
    chain.tensor("xlogy(target, target)", kernels.xlogx);
    chain.tensor("sub", kernels.subtract);
    chain.sum("sum");
    chain.scalar("div by N", DistillationLossUnfusedKernels.SCALE);
    chain.scalar("mul by T^2", DistillationLossUnfusedKernels.SCALE);
    chain.scalar("mul by alpha", DistillationLossUnfusedKernels.SCALE);
    chain.softmax("log_softmax", Operation.LOG_SOFTMAX);
    chain.matrix("nll_loss_forward", kernels.nll);
    chain.scalar("mul by 1-alpha", DistillationLossUnfusedKernels.SCALE);
    chain.scalar("add", DistillationLossUnfusedKernels.ADD);
    chain.scalar("ones_like", DistillationLossUnfusedKernels.FILL);
    chain.scalar("mul by 1-alpha", DistillationLossUnfusedKernels.SCALE);
    chain.matrix("nll_loss_backward", kernels.nllBackward);
    chain.softmax("_log_softmax_backward_data", Operation.LOG_SOFTMAX_BACKWARD);
    chain.scalar("mul by alpha", DistillationLossUnfusedKernels.SCALE);
    chain.scalar("mul by T^2", DistillationLossUnfusedKernels.SCALE);
    chain.scalar("div by N", DistillationLossUnfusedKernels.SCALE);
    chain.tensor("neg(expand)", kernels.negateExpand);
    chain.tensor("mul", kernels.multiply);
    chain.softmax("_log_softmax_backward_data", Operation.LOG_SOFTMAX_BACKWARD);
    chain.tensor("div by T", kernels.scale);
    chain.tensor("add", kernels.add);
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
    private final ElementType type;
    private final Kernels kernels;

    Chain(ElementType type, int rows, int classes) {
      this.type = type;
      kernels = type == FLOAT32 ? FLOAT32_KERNELS : BFLOAT16_KERNELS;
      matrix = KernelSizes.of("rows", rows, "classes", classes);
      elements = Math.multiplyExact(rows, classes);
    }

    void byRow(String operation, List<KernelSignature> byRange) {
      matrix(operation, KernelCatalog.select(byRange, matrix));
    }

    /** By one block a row, as PyTorch's: clusters are the fused loss's own. */
    void softmax(String operation, Operation softmax) {
      byRow(
          operation,
          TemperatureSoftmaxKernels.of(softmax, type).stream()
              .filter(kernel -> kernel.clusterBlocks() == 1)
              .toList());
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
      KernelSignature sum = kernels.sum;
      while (true) {
        launches.add(new Launch(operation, sum, sizes));
        int blocks = sum.launch(sizes).gridX();
        if (blocks == 1) {
          return;
        }
        sum = DistillationLossUnfusedKernels.SUM;
        sizes = KernelSizes.of("n", blocks);
      }
    }
  }
}
