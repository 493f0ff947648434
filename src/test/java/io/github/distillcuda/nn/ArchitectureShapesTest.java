package io.github.distillcuda.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.tensor.NamedArray;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parameter counts, state-dict names and the distribution of initial weights, as in PyTorch. */
class ArchitectureShapesTest {
  @Test
  void countsTheParametersOfThePublishedNetworks() {
    // Each printed by sum(p.numel() for p in net.parameters()) of the PyTorch networks.
    assertThat(Architecture.TEACHER.parameterCount()).isEqualTo(2_175_626);
    assertThat(Architecture.STUDENT.parameterCount()).isEqualTo(545_098);
  }

  @Test
  void namesItsParametersAsPytorchDoes() {
    assertThat(
            Architecture.STUDENT.stateDict().entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue()))
        .containsExactly(
            "conv1.weight [32, 3, 3, 3]",
            "conv1.bias [32]",
            "conv2.weight [64, 32, 3, 3]",
            "conv2.bias [64]",
            "fc1.weight [128, 4096]",
            "fc1.bias [128]",
            "fc2.weight [10, 128]",
            "fc2.bias [10]");
  }

  @Test
  void countsMultiplyAdds() {
    // 22.74 and 6.13 million by hand: outputs times fan-in, layer by layer.
    assertThat(Architecture.TEACHER.forwardMultiplyAdds())
        .isEqualTo(64L * 1024 * 27 + 128L * 256 * 576 + 8192L * 256 + 2560);
    assertThat(Architecture.STUDENT.forwardMultiplyAdds())
        .isEqualTo(32L * 1024 * 27 + 64L * 256 * 288 + 4096L * 128 + 1280);
  }

  /** The bounds are 1/sqrt(fan_in), written out as PyTorch's samples showed them. */
  @ParameterizedTest
  @CsvSource({
    "conv1.weight, 0.1924501",
    "conv1.bias, 0.1924501",
    "conv2.weight, 0.0589256",
    "conv2.bias, 0.0589256",
    "fc1.weight, 0.015625",
    "fc1.bias, 0.015625",
    "fc2.weight, 0.0883883",
    "fc2.bias, 0.0883883"
  })
  void drawsUniformlyWithinThePytorchBounds(String name, double bound) {
    List<NamedArray> drawn = InitialWeights.draw(Architecture.STUDENT, 42);
    NamedArray array = drawn.stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow();
    double largest = 0;
    double squares = 0;
    for (float value : array.values()) {
      largest = Math.max(largest, Math.abs(value));
      squares += (double) value * value;
    }
    int n = array.values().length;
    assertThat(largest).isLessThanOrEqualTo(bound * (1 + 1e-6));
    // The largest of n uniform samples misses the bound by about bound/n; 12/n leaves one failure
    // in e^12 seeds. The variance is bound^2/3 with a relative deviation of sqrt(0.8/n).
    assertThat(largest).isGreaterThan(bound * (1 - Math.min(0.9, 12.0 / n)));
    assertThat(squares / n)
        .isBetween(
            bound * bound / 3 * (1 - 5 * Math.sqrt(0.8 / n)),
            bound * bound / 3 * (1 + 5 * Math.sqrt(0.8 / n)));
  }

  /** From an implementation in Python: what a seed gives, a resumed run and a later Java give. */
  @Test
  void drawsThePinnedNumbers() {
    List<NamedArray> drawn = InitialWeights.draw(Architecture.STUDENT, 42);
    assertThat(drawn.get(0).values()).startsWith(0.092978366f, -0.13090055f, -0.08521646f);
    assertThat(drawn.get(1).values()).startsWith(-0.060254812f, -0.18120386f);
  }

  @Test
  void drawsTheSameForTheSameSeedOnly() {
    float[] first = InitialWeights.draw(Architecture.STUDENT, 1).getFirst().values();
    assertThat(InitialWeights.draw(Architecture.STUDENT, 1).getFirst().values())
        .containsExactly(first);
    assertThat(InitialWeights.draw(Architecture.STUDENT, 2).getFirst().values())
        .isNotEqualTo(first);
  }

  @Test
  void printsItsWidthsAsTheCommandLineTakesThem() {
    assertThat(Architecture.TEACHER).hasToString("64,128,256");
  }

  @Test
  void refusesWidthsThatAreNotPositive() {
    assertThatThrownBy(() -> new Architecture(0, 1, 1, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0, 1, 1, 10");
  }
}
