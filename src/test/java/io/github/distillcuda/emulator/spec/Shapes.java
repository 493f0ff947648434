package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.Arrays;

/** The sizes that kernels are tried at: around warps, tiles and powers of two. */
final class Shapes {
  private static final int[] CLASSES = {1, 2, 7, 10, 31, 32, 33, 100, 128, 256, 1000, 1024};

  private Shapes() {}

  /** The class counts that a row kernel takes, in rising order. */
  static int[] classesOf(KernelSignature kernel) {
    return Arrays.stream(CLASSES)
        .filter(classes -> kernel.accepts(KernelSizes.of("rows", 1, "classes", classes)))
        .toArray();
  }
}
