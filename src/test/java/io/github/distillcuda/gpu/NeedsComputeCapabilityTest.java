package io.github.distillcuda.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;

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
}
