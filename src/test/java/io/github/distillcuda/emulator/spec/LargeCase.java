package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A case of {@link Shapes#MANY_ROWS} rows. It is made when it is run, since all of them together
 * would fill the heap.
 */
record LargeCase(KernelSignature kernel, Supplier<KernelCase> make) {
  /** A case of each class count that the kernels take; of the labels, most are none. */
  static Stream<LargeCase> ofEach(
      List<KernelSignature> kernels, BiFunction<KernelSignature, LossBatch, KernelCase> maker) {
    return kernels.stream()
        .flatMap(
            kernel ->
                Arrays.stream(Shapes.classesOf(kernel))
                    .mapToObj(
                        classes ->
                            new LargeCase(kernel, () -> maker.apply(kernel, batchOf(classes)))));
  }

  private static LossBatch batchOf(int classes) {
    return LossBatch.badlyLabelled(Shapes.MANY_ROWS, classes, classes);
  }
}
