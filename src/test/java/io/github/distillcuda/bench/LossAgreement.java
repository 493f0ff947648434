package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Which forms of the loss leave one gradient: what is compared must be the same. */
final class LossAgreement {
  /**
   * Of the largest element. The chains are the textbook forms in float32: at T = 5 their
   * log-softmax rounds at a few 1e-7, times T in the gradient of a row.
   */
  private static final double TOLERANCE = 1e-5;

  /** Likewise: a unit in the last place of that element, which each form rounds in its own way. */
  private static final double BFLOAT16_TOLERANCE = 0x1p-7;

  /** More classes than a kernel of few classes has; what stands for all vocabularies. */
  private static final int VOCABULARY = 4099;

  /**
   * A form of the loss.
   *
   * @param classes those of the batch that was compared
   */
  private record Form(String variant, ElementType type, int classes) {
    static Form of(Workload workload) {
      boolean rounded =
          workload.steps().stream()
              .flatMap(step -> step.kernel().pointers().stream())
              .map(KernelParameter.Pointer::element)
              .anyMatch(ElementType.BFLOAT16::equals);
      int classes = DeviceBench.size(workload, "classes", 0);
      return new Form(
          workload.variant(),
          rounded ? ElementType.BFLOAT16 : ElementType.FLOAT32,
          classes > 1024 ? VOCABULARY : classes);
    }
  }

  private final Map<Form, String> wrong = new LinkedHashMap<>();

  private LossAgreement() {}

  /**
   * Runs all three forms at 10, 100 and 1,000 classes, and at 4,099 in both types. One that fails
   * is as one that differs.
   */
  static LossAgreement of(DeviceBench bench, int rows) {
    LossAgreement agreement = new LossAgreement();
    for (int classes : new int[] {10, 100, 1000}) {
      agreement.compare(bench, ElementType.FLOAT32, rows, classes, TOLERANCE);
    }
    agreement.compare(bench, ElementType.FLOAT32, rows, VOCABULARY, TOLERANCE);
    agreement.compare(bench, ElementType.BFLOAT16, rows, VOCABULARY, BFLOAT16_TOLERANCE);
    return agreement;
  }

  private void compare(
      DeviceBench bench, ElementType type, int rows, int classes, double tolerance) {
    Map<String, Supplier<float[]>> gradients = new LinkedHashMap<>();
    for (Workload workload : LossWorkloads.all(type, rows, classes)) {
      gradients.put(workload.variant(), () -> gradient(bench, type, workload));
    }
    outliers(gradients, tolerance)
        .forEach((variant, reason) -> wrong.put(new Form(variant, type, classes), reason));
  }

  /** Returns whether a workload is no form of the loss, or one that another form agrees with. */
  boolean covers(Workload workload) {
    return !workload.operation().equals(LossWorkloads.OPERATION)
        || !wrong.containsKey(Form.of(workload));
  }

  /** Returns a line for each form that no other agrees with. */
  List<String> complaints() {
    List<String> lines = new ArrayList<>();
    wrong.forEach(
        (form, reason) ->
            lines.add(
                "%s in %s, %d classes: %s"
                    .formatted(form.variant, form.type, form.classes, reason)));
    return lines;
  }

  private static float[] gradient(DeviceBench bench, ElementType type, Workload workload) {
    byte[] bytes = bench.result(workload, "dz");
    return type == ElementType.FLOAT32
        ? HostBytes.toFloats(bytes)
        : HostBytes.bfloat16ToFloats(bytes);
  }

  /** Returns who agrees with nobody, and why: the first difference, or its failure. */
  static Map<String, String> outliers(Map<String, Supplier<float[]>> gradients, double tolerance) {
    Map<String, float[]> computed = new LinkedHashMap<>();
    Map<String, String> reasons = new TreeMap<>();
    gradients.forEach(
        (variant, gradient) -> {
          try {
            computed.put(variant, gradient.get());
          } catch (RuntimeException | AssertionError e) {
            reasons.put(variant, e.toString());
          }
        });
    computed.forEach(
        (variant, values) -> {
          Set<String> differences =
              computed.entrySet().stream()
                  .filter(other -> !other.getKey().equals(variant))
                  .map(other -> difference(values, other.getKey(), other.getValue(), tolerance))
                  .collect(Collectors.toSet());
          if (!differences.contains("")) {
            reasons.put(variant, String.join("; ", differences));
          }
        });
    return reasons;
  }

  /** Returns the first element that differs; empty if none does. */
  private static String difference(float[] mine, String name, float[] other, double tolerance) {
    double largest = 0;
    for (float value : other) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < mine.length; i++) {
      if (!(Math.abs(mine[i] - other[i]) <= tolerance * largest)) {
        return "dz[%d] is %s, that of %s %s, the largest %s"
            .formatted(i, mine[i], name, other[i], largest);
      }
    }
    return "";
  }
}
