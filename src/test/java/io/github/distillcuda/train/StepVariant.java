package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.failure.DistillException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * One way to train that is measured.
 *
 * @param kernels of the loss
 * @param layers whose kernels the layers are
 * @param precision of products
 * @param batch rows of a step
 */
record StepVariant(Kernels kernels, Layers layers, Precision precision, int batch) {
  private static final int[] BATCHES = {64, 256, 1024};

  /** Returns all of them, those first whose figures are wanted most, should the time run out. */
  static List<StepVariant> all() {
    List<StepVariant> variants = new ArrayList<>();
    for (Kernels kernels : Kernels.values()) {
      for (Precision precision : List.of(Precision.TF32, Precision.BF16, Precision.FP32)) {
        for (Layers layers : List.of(Layers.FUSED, Layers.CUDNN)) {
          for (int batch : BATCHES) {
            variants.add(new StepVariant(kernels, layers, precision, batch));
          }
        }
      }
    }
    return variants;
  }

  /** Returns those of {@link #all} whose name has a part, a regular expression. */
  static List<StepVariant> with(String part) {
    Predicate<String> has = Pattern.compile(part).asPredicate();
    return all().stream().filter(variant -> has.test(variant.toString())).toList();
  }

  /**
   * Measures variants in order, each on a backend of its own. One that fails says why, and the next
   * follows.
   *
   * @return how many failed
   */
  static int measure(
      List<StepVariant> variants,
      Function<BackendOptions, Backend> open,
      BiConsumer<Backend, StepVariant> measurement) {
    int failed = 0;
    for (StepVariant variant : variants) {
      try (Backend backend = open.apply(variant.options())) {
        measurement.accept(backend, variant);
      } catch (DistillException e) {
        System.out.println(variant + ": " + e.getMessage());
        failed++;
      } catch (RuntimeException | AssertionError e) {
        System.out.println(variant + ": " + e);
        failed++;
      }
    }
    return failed;
  }

  private BackendOptions options() {
    return new BackendOptions(0, true, kernels, layers, precision, Engine.AUTO);
  }

  @Override
  public String toString() {
    return "kernels %s, layers %s, %s, batch %d".formatted(kernels, layers, precision, batch);
  }
}
