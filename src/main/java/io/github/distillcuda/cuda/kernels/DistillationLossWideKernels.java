package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;

import java.util.List;
import java.util.stream.Stream;

/**
 * The fused distillation loss of vocabularies, {@code kernels/distillation_loss_wide.cu}: logits
 * and gradient in float32 or bfloat16, any number of classes.
 */
public final class DistillationLossWideKernels {
  /** Dynamic shared memory of a thread: an exponential for each of its 16 elements. */
  private static final int SHARED_BYTES_PER_THREAD = 64;

  /** Elements that a thread holds. */
  private static final int ELEMENTS_PER_THREAD = 16;

  /** Threads a row of the kernels that hold none. */
  private static final int UNHELD_THREADS = 512;

  /**
   * How a row lies in the threads that hold it.
   *
   * @param blocks that share a row: a cluster, if there are several
   */
  private record Mapping(int threads, int blocks) {
    int maxClasses() {
      return threads * blocks * ELEMENTS_PER_THREAD;
    }

    /** Parts of nine values of a warp and the label's logit, in every block. */
    int staticSharedBytes() {
      return 10 * Float.BYTES * blocks * threads / 32;
    }
  }

  private static final List<Mapping> BLOCKS =
      List.of(new Mapping(128, 1), new Mapping(256, 1), new Mapping(512, 1), new Mapping(1024, 1));

  private static final List<Mapping> CLUSTERS =
      List.of(
          new Mapping(512, 4), new Mapping(512, 8), new Mapping(512, 16), new Mapping(1024, 16));

  /** Not with the largest cluster, than which streaming is faster. */
  private static final List<KernelSignature> FLOAT32_KERNELS =
      make(FLOAT32, CLUSTERS.subList(0, CLUSTERS.size() - 1));

  private static final List<KernelSignature> BFLOAT16_KERNELS = make(BFLOAT16, CLUSTERS);

  private static final KernelSignature FLOAT32_LARGEST = held(FLOAT32, CLUSTERS.getLast());

  private static final KernelSignature FLOAT32_TWO_PASS = unheld(FLOAT32, "two_pass");
  private static final KernelSignature BFLOAT16_TWO_PASS = unheld(BFLOAT16, "two_pass");

  static final List<KernelSignature> ALL =
      Stream.of(
              FLOAT32_KERNELS,
              BFLOAT16_KERNELS,
              List.of(FLOAT32_LARGEST, FLOAT32_TWO_PASS, BFLOAT16_TWO_PASS))
          .flatMap(List::stream)
          .toList();

  private DistillationLossWideKernels() {}

  /** Returns the kernels of a type: those that hold a row, fewest classes first, then streamed. */
  static List<KernelSignature> of(ElementType type) {
    return switch (type) {
      case FLOAT32 -> FLOAT32_KERNELS;
      case BFLOAT16 -> BFLOAT16_KERNELS;
      default -> throw new IllegalArgumentException("logits cannot be " + type);
    };
  }

  private static List<KernelSignature> make(ElementType type, List<Mapping> clusters) {
    return Stream.of(
            Stream.concat(BLOCKS.stream(), clusters.stream()).map(mapping -> held(type, mapping)),
            Stream.of(unheld(type, "streamed")))
        .flatMap(kernels -> kernels)
        .toList();
  }

  /** Returns the kernel of the largest cluster in float32, to compare with. */
  public static KernelSignature largest() {
    return FLOAT32_LARGEST;
  }

  private static KernelSignature held(ElementType type, Mapping mapping) {
    String target = mapping.blocks > 1 ? "compute_90" : type.target();
    int shared = mapping.threads * SHARED_BYTES_PER_THREAD;
    return signature(target, type, "c" + mapping.maxClasses())
        .requires(
            "at most " + mapping.maxClasses() + " classes",
            sizes -> sizes.get("classes") <= mapping.maxClasses())
        .cluster(mapping.blocks)
        .staticSharedBytes(mapping.staticSharedBytes())
        .launch(sizes -> launch(sizes, mapping.blocks, mapping.threads, shared));
  }

  /** Returns the kernel that holds no row and reads it twice, the second time backwards. */
  public static KernelSignature streamed(ElementType type) {
    return of(type).getLast();
  }

  /** Returns the kernel to compare with: it reads a row twice, and asks nothing of the caches. */
  public static KernelSignature twoPass(ElementType type) {
    return type == FLOAT32 ? FLOAT32_TWO_PASS : BFLOAT16_TWO_PASS;
  }

  private static KernelSignature unheld(ElementType type, String form) {
    Mapping mapping = new Mapping(UNHELD_THREADS, 1);
    return signature(type.target(), type, form)
        .staticSharedBytes(mapping.staticSharedBytes())
        .launch(sizes -> launch(sizes, 1, mapping.threads, 0));
  }

  private static LaunchConfig launch(KernelSizes sizes, int blocks, int threads, int shared) {
    int grid = Math.toIntExact(sizes.rows() * blocks);
    return new LaunchConfig(grid, 1, threads, 1, shared);
  }

  private static KernelSignature.Builder signature(String target, ElementType type, String range) {
    String symbol = "distillation_loss_%s_fused_%s_v1".formatted(range, type.dtype());
    return KernelSignature.of(target + "/distillation_loss_wide.ptx", symbol)
        .in("z", type, KernelSizes::logits)
        .inOrNull("v", type, KernelSizes::logits)
        .in("labels", INT32, KernelSizes::rows)
        .inOrNull("labelledRows", INT32, sizes -> 1)
        .out("distillation", FLOAT32, KernelSizes::rows)
        .out("crossEntropy", FLOAT32, KernelSizes::rows)
        .out("outcome", INT32, KernelSizes::rows)
        .out("dz", type, KernelSizes::logits)
        .float32("temperature", "alpha")
        .sizes("rows", "classes");
  }
}
