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
    assertThat(checks(precision, adam -> adam)).allMatch(Check::passed);
    assertLearnedOtherwise(precision, "does nothing", adam -> null);
    assertLearnedOtherwise(precision, "goes uphill", adam -> times(adam, -1));
    assertLearnedOtherwise(precision, "takes double steps", adam -> times(adam, 2));
    assertLearnedOtherwise(precision, "takes 5 % longer steps", adam -> times(adam, 1.05));
  }

  private static void assertLearnedOtherwise(
      String precision, String defect, UnaryOperator<AdamSpec> optimizer) {
    assertThat(checks(precision, optimizer))
        .as("in %s, of an optimizer that %s", precision, defect)
        .anySatisfy(
            check -> {
              assertThat(check.passed()).isFalse();
              assertThat(check.name()).contains("change of fc2.bias");
            });
  }

  private static AdamSpec times(AdamSpec adam, double factor) {
    return new AdamSpec(factor * adam.learningRate(), adam.beta1(), adam.beta2(), adam.epsilon());
  }

  /**
   * Runs the comparisons on the reference device under another name.
   *
   * @param precision what it says it computes in
   * @param optimizer what it makes of a step of Adam; null for no step
   */
  private static List<Check> checks(String precision, UnaryOperator<AdamSpec> optimizer) {
    try (Backend reference = new ReferenceBackend(options(Layers.CUDNN, Precision.AUTO))) {
      BackendInfo info = new BackendInfo("reference", "java", precision, "fused", "java");
      return Verification.run(
          stand(
              Backend.class,
              (method, arguments) ->
                  switch (method.getName()) {
                    case "info" -> info;
                    case "record" -> withOptimizer(reference.record((int) arguments[0]), optimizer);
                    default -> method.invoke(reference, arguments);
                  }));
    }
  }

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

  /** The emulated GPU rounds factors of products as tensor cores do. */
  @ParameterizedTest
  @CsvSource({"CUDNN, TF32", "FUSED, TF32", "FUSED, BF16"})
  void theEmulatedGpuPasses(Layers layers, Precision precision) {
    EmulatedDevice device = new EmulatedDevice();
    try (Backend gpu = new CudaBackend(EmulatedEngine.of(device), 0, options(layers, precision))) {
      assertThat(gpu.info().precision()).isEqualTo(precision.toString());
      assertThat(Verification.run(gpu)).allMatch(Check::passed);
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
