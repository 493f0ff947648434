package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The sizes that kernels are tried at: around warps, tiles and powers of two. */
final class Shapes {
  /** Rows of a batch; with {@link #MANY_ROWS}, cases are made when they are run. */
  static final int[] ROWS = {1, 2, 63, 64, 65};

  /** More than any block has threads to loop over rows, and no multiple of a block's rows. */
  static final int MANY_ROWS = 1000;

  private static final int[] CLASSES = {1, 2, 7, 10, 31, 32, 33, 100, 128, 256, 1000, 1024};

  /** Rows of the batches that are counted: a training batch, and whole blocks of every kernel. */
  static final int COUNTED_ROWS = 64;

  static final int WHOLE_BLOCKS_OF_ROWS = 128;

  private static final int[] COUNTED_CLASSES = {10, 100, 1000};

  /** The class counts at which the rungs of a ladder are compared, one a range of classes. */
  private static final int[] LADDER_CLASSES = {10, 32, 100, 200, 1000};

  private Shapes() {}

  /** The batches that a row kernel is counted with. */
  static Stream<LossBatch> countedBatches(KernelSignature kernel) {
    return Arrays.stream(accepted(kernel, COUNTED_CLASSES))
        .mapToObj(classes -> LossBatch.random(COUNTED_ROWS, classes, 1));
  }

  /** The batch at which a row kernel is compared with the other rungs for its range of classes. */
  static LossBatch ladderBatch(KernelSignature kernel) {
    int classes = Arrays.stream(accepted(kernel, LADDER_CLASSES)).max().orElseThrow();
    return LossBatch.random(WHOLE_BLOCKS_OF_ROWS, classes, 1);
  }

  /** The class counts that a row kernel takes, in rising order. */
  static int[] classesOf(KernelSignature kernel) {
    return accepted(kernel, CLASSES);
  }

  private static int[] accepted(KernelSignature kernel, int[] classCounts) {
    return Arrays.stream(classCounts)
        .filter(classes -> kernel.accepts(KernelSizes.of("rows", 1, "classes", classes)))
        .toArray();
  }

  /**
   * Where the loop over a lane's classes goes into its next group ({@code forEachClass} of
   * tile.cuh): the class counts that just fill a group and those that need one class of the next.
   */
  static int[] classesAroundGroups(KernelSignature kernel) {
    int[] classes = classesOf(kernel);
    int most = classes[classes.length - 1];
    int lanes = lanesOfRow(kernel);
    int perLane = most / lanes;
    int group = lanes * (perLane >= 32 ? 4 : perLane >= 8 ? 2 : 1);
    return IntStream.iterate(group, end -> end < most, end -> end + group)
        .flatMap(end -> IntStream.of(end, end + 1))
        .toArray();
  }

  /** Blocks of 128 threads that 128 rows take. */
  private static int lanesOfRow(KernelSignature kernel) {
    return kernel.launch(KernelSizes.of("rows", 128, "classes", 1)).gridX();
  }
}
