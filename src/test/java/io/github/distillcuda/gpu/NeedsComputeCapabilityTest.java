package io.github.distillcuda.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExtensionContext;

class NeedsComputeCapabilityTest {
  private static ConditionEvaluationResult ask(int needed, int there) {
    return NeedsComputeCapability.Condition.of(
        needed, new EmulatedDevice().withComputeCapability(there).driver());
  }

  @Test
  void anOlderGpuIsToldApart() {
    assertThat(ask(80, 75).isDisabled()).isTrue();
    assertThat(ask(80, 75).getReason())
        .hasValue("needs compute capability 8.0, Emulated GPU has 7.5");
    assertThat(ask(80, 80).isDisabled()).isFalse();
    assertThat(ask(80, 90).isDisabled()).isFalse();
  }

  /** JUnit asks again for each method of a class that is marked. */
  @Test
  void aMethodThatIsNotMarkedRuns() throws NoSuchMethodException {
    Optional<Method> unmarked = Optional.of(Object.class.getMethod("hashCode"));
    ExtensionContext context =
        (ExtensionContext)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {ExtensionContext.class},
                (proxy, method, arguments) -> {
                  assertThat(method.getName()).isEqualTo("getElement");
                  return unmarked;
                });
    ConditionEvaluationResult result =
        new NeedsComputeCapability.Condition().evaluateExecutionCondition(context);
    assertThat(result.isDisabled()).isFalse();
  }
}
