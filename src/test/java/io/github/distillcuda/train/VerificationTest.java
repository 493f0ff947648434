package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.train.Verification.Check;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@code verify} lets pass: every device as it is, in its precision, and no optimizer that
 * does something else. On the CPU: {@code CliRunTest}.
 */
class VerificationTest {
  @ParameterizedTest
  @ValueSource(strings = {"fp64", "fp32", "tf32", "bf16"})
  void theReferencePassesInEveryPrecisionAndABrokenOptimizerInNone(String precision) {
    assertThat(checks(precision, step -> step)).allMatch(Check::passed);
    assertLearnedOtherwise(precision, "does nothing", adam -> null);
    assertLearnedOtherwise(precision, "goes uphill", adam -> times(adam, -1));
    assertLearnedOtherwise(precision, "takes double steps", adam -> times(adam, 2));
    assertLearnedOtherwise(precision, "takes 5 % longer steps", adam -> times(adam, 1.05));
  }

  private static void assertLearnedOtherwise(
      String precision, String defect, UnaryOperator<AdamSpec> optimizer) {
    assertThat(failed(precision, step -> withOptimizer(step, optimizer)))
        .as("in %s, of an optimizer that %s", precision, defect)
        .anyMatch(check -> check.contains("change of fc2.bias"))
        .contains("3 steps of Adam");
  }

  /** No precision rounds the loss of given logits. */
  @ParameterizedTest
  @CsvSource({"1.0001, 1", "1, 0.9999"})
  void anotherTemperatureOrAlphaPassesInNoPrecision(double temperature, double alpha) {
    UnaryOperator<LossSpec> other =
        loss -> new LossSpec(temperature * loss.temperature(), alpha * loss.alpha());
    assertThat(failed("bf16", step -> withLoss(step, other)))
        .contains("loss, 10 classes, T=5.0, alpha=1.0: gradient");
  }

  private static List<String> failed(String precision, UnaryOperator<StepRecorder> defect) {
    return checks(precision, defect).stream()
        .filter(check -> !check.passed())
        .map(Check::name)
        .toList();
  }

  private static AdamSpec times(AdamSpec adam, double factor) {
    return new AdamSpec(factor * adam.learningRate(), adam.beta1(), adam.beta2(), adam.epsilon());
  }

  /**
   * Runs the comparisons on the reference device under another name.
   *
   * @param precision what it says it computes in
   * @param defect what it makes of a recorder
   */
  private static List<Check> checks(String precision, UnaryOperator<StepRecorder> defect) {
    try (Backend reference = new ReferenceBackend(options(Layers.CUDNN, Precision.AUTO))) {
      BackendInfo info = new BackendInfo("reference", "java", precision, "fused", "java");
      return Verification.run(
          stand(
              Backend.class,
              (method, arguments) ->
                  switch (method.getName()) {
                    case "info" -> info;
                    case "record" -> defect.apply(reference.record((int) arguments[0]));
                    default -> method.invoke(reference, arguments);
                  }),
          part -> {});
    }
  }

  /** Returns a recorder with another Adam; null for none. */
  private static StepRecorder withOptimizer(
      StepRecorder recorder, UnaryOperator<AdamSpec> optimizer) {
    return stand(
        StepRecorder.class,
        (method, arguments) -> {
          if (!method.getName().equals("adam")) {
            return method.invoke(recorder, arguments);
          }
          AdamSpec adam = optimizer.apply((AdamSpec) arguments[0]);
          if (adam != null) {
            recorder.adam(adam, (ParameterArena) arguments[1], (StepState) arguments[2]);
          }
          return null;
        });
  }

  private static StepRecorder withLoss(StepRecorder recorder, UnaryOperator<LossSpec> other) {
    return stand(
        StepRecorder.class,
        (method, arguments) -> {
          if (method.getName().equals("loss")) {
            arguments[0] = other.apply((LossSpec) arguments[0]);
          }
          return method.invoke(recorder, arguments);
        });
  }

  private interface Answer {
    Object to(Method method, Object[] arguments) throws ReflectiveOperationException;
  }

  private static <T> T stand(Class<T> in, Answer answer) {
    return in.cast(
        Proxy.newProxyInstance(
            in.getClassLoader(),
            new Class<?>[] {in},
            (proxy, method, arguments) -> {
              try {
                return answer.to(method, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  /**
   * The emulated GPU rounds factors of products as tensor cores do, or cuts them off as those of
   * Hopper may.
   */
  @ParameterizedTest
  @CsvSource({
    "CUDNN, TF32, false",
    "CUDNN, TF32, true",
    "FUSED, TF32, false",
    "FUSED, TF32, true",
    "FUSED, BF16, false"
  })
  void theEmulatedGpuPasses(Layers layers, Precision precision, boolean truncates) {
    EmulatedDevice device = new EmulatedDevice();
    if (truncates) {
      device.truncatingFactors();
    }
    try (Backend gpu = new CudaBackend(EmulatedEngine.of(device), 0, options(layers, precision))) {
      assertThat(gpu.info().precision()).isEqualTo(precision.toString());
      assertThat(Verification.run(gpu, part -> {})).allMatch(Check::passed);
    }
  }

  @Test
  void anErrorThatIsNoNumberIsNotAllowed() {
    assertThat(new Check("a name", Double.NaN, 1).passed()).isFalse();
  }

  private static BackendOptions options(Layers layers, Precision precision) {
    return new BackendOptions(1, true, Kernels.FUSED, layers, precision, Engine.AUTO);
  }
}
