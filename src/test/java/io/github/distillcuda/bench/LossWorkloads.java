package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LossChains;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The distillation loss with its gradient in the three forms of {@link LossChains}, with the arrays
 * that pass between their launches. All take z, v and labels and end with dz.
 */
final class LossWorkloads {
  static final double TEMPERATURE = 5;
  static final double ALPHA = 0.7;

  /** What the rows of the three forms are of. */
  static final String OPERATION = "distillation loss + gradient";

  private final List<Workload.Step> steps = new ArrayList<>();
  private final Iterator<LossChains.Launch> launches;

  private LossWorkloads(List<LossChains.Launch> launches) {
    this.launches = launches.iterator();
  }

  /** The three forms; the floor of all is that of the fused one. */
  static List<Workload> all(int rows, int classes) {
    return List.of(fused(rows, classes), formulas(rows, classes), eager(rows, classes));
  }

  /** The same of a type; the floor is that of the type. */
  static List<Workload> all(ElementType type, int rows, int classes) {
    return List.of(
        fused(type, rows, classes), formulas(type, rows, classes), eager(type, rows, classes));
  }

  static Workload fused(int rows, int classes) {
    return fused(ElementType.FLOAT32, rows, classes);
  }

  static Workload fused(ElementType type, int rows, int classes) {
    LossWorkloads chain = new LossWorkloads(fusedChain(type, rows, classes));
    chain.step(Map.of("temperature", TEMPERATURE, "alpha", ALPHA));
    return chain.end("fused", type, rows, classes);
  }

  private static List<LossChains.Launch> fusedChain(ElementType type, int rows, int classes) {
    KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
    return LossChains.fused(KernelMatrix.selected(type, sizes), rows, classes);
  }

  static Workload formulas(int rows, int classes) {
    return formulas(ElementType.FLOAT32, rows, classes);
  }

  static Workload formulas(ElementType type, int rows, int classes) {
    LossWorkloads chain = new LossWorkloads(LossChains.formulas(type, rows, classes));
    Map<String, Double> temperature = Map.of("temperature", TEMPERATURE);
    chain.step(temperature, "x", "v", "y", "q");
    chain.step(temperature, "x", "z", "y", "logP");
    chain.step(temperature);
    chain.step(Map.of());
    chain.scale(-ALPHA * TEMPERATURE * TEMPERATURE / rows, "q", "dLogP");
    chain.step(temperature, "dy", "dLogP", "y", "logP", "dx", "dzKl");
    chain.step(Map.of("alpha", ALPHA), "dz", "dzCe");
    chain.step(Map.of(), "a", "dzKl", "b", "dzCe", "y", "dz");
    return chain.end("formulas", type, rows, classes);
  }

  static Workload eager(int rows, int classes) {
    return eager(ElementType.FLOAT32, rows, classes);
  }

  static Workload eager(ElementType type, int rows, int classes) {
    LossWorkloads chain = new LossWorkloads(LossChains.eager(type, rows, classes));
    Map<String, Double> plain = Map.of("temperature", 1.0);
    double squared = TEMPERATURE * TEMPERATURE;
    chain.scale(1 / TEMPERATURE, "z", "zOverT");
    chain.step(plain, "x", "zOverT", "y", "logP");
    chain.scale(1 / TEMPERATURE, "v", "vOverT");
    chain.step(plain, "x", "vOverT", "y", "q");
    chain.step(Map.of(), "a", "q", "b", "logP", "y", "qLogP");
    chain.step(Map.of(), "a", "q", "y", "qLogQ");
    chain.step(Map.of(), "a", "qLogQ", "b", "qLogP", "y", "terms");
    String sum = chain.sum("terms");
    chain.scale(1.0 / rows, sum, "kl");
    chain.scale(squared, "kl", "klT2");
    chain.scale(ALPHA, "klT2", "klPart");
    chain.step(plain, "x", "z", "y", "logS");
    chain.step(Map.of(), "loss", "ce");
    chain.scale(1 - ALPHA, "ce", "cePart");
    chain.step(Map.of(), "a", "klPart", "b", "cePart", "y", "loss");
    chain.step(Map.of("value", 1.0), "y", "one");
    chain.scale(1 - ALPHA, "one", "dLoss");
    chain.step(Map.of());
    chain.step(plain, "dy", "dLogS", "y", "logS", "dx", "dzCe");
    chain.scale(ALPHA, "one", "dKlT2");
    chain.scale(squared, "dKlT2", "dKl");
    chain.scale(1.0 / rows, "dKl", "dSum");
    chain.step(Map.of(), "a", "dSum", "y", "dTerms");
    chain.step(Map.of(), "a", "dTerms", "b", "q", "y", "dLogP");
    chain.step(plain, "dy", "dLogP", "y", "logP", "dx", "dzOverT");
    chain.scale(1 / TEMPERATURE, "dzOverT", "dzKl");
    chain.step(Map.of(), "a", "dzCe", "b", "dzKl", "y", "dz");
    return chain.end("eager chain", type, rows, classes);
  }

  private void scale(double factor, String from, String to) {
    step(Map.of("factor", factor), "a", from, "y", to);
  }

  /** The launches of a sum, and the name of the array that has it. */
  private String sum(String of) {
    String from = of;
    while (true) {
      String to = "sum of " + from;
      Workload.Step step = step(Map.of(), "x", from, "partials", to);
      if (DistillationLossUnfusedKernels.SUM.launch(step.sizes()).gridX() == 1) {
        return to;
      }
      from = to;
    }
  }

  /** The next launch, with parameters and their arrays in turn. */
  private Workload.Step step(Map<String, Double> numbers, String... parametersAndArrays) {
    LossChains.Launch launch = launches.next();
    Map<String, String> arrays = new HashMap<>();
    for (int i = 0; i < parametersAndArrays.length; i += 2) {
      arrays.put(parametersAndArrays[i], parametersAndArrays[i + 1]);
    }
    Workload.Step step = new Workload.Step(launch.kernel(), launch.sizes(), arrays, numbers);
    steps.add(step);
    return step;
  }

  private Workload end(String variant, ElementType type, int rows, int classes) {
    if (launches.hasNext()) {
      throw new IllegalStateException(variant + " lacks " + launches.next().operation());
    }
    return new Workload(
        OPERATION, variant, steps, LossChains.floorBytes(fusedChain(type, rows, classes)));
  }
}
