package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What {@code --precision bf16} rounds, and what it does not: operands of products alone. */
interface Bfloat16Contract extends RealLayerContract, RoundedStepsContract {
  /**
   * Sums of products of whole numbers up to 1 stay below 2^8 but for a few of the widest layer, so
   * that bfloat16 holds them and no two of a pooling window become equal.
   */
  @Override
  default int largestInput() {
    return 1;
  }

  /** Else the tests above would only show that float32 is within the bounds of bfloat16. */
  @Test
  default void operandsAreRoundedAndParametersAreNot() {
    // Half way between the bfloat16 numbers 1 and 1 + 2^-7: to even.
    float between = 1 + 0x1p-8f;
    LayerSpec layer = new LinearSpec("fc", Shape.of(1), 1, false);
    float[] one = {1};
    float[] half = {between};
    LayerProbe ofWeight = run(layer, half, one, one);
    assertThat(ofWeight.output()).containsExactly(1);
    assertThat(ofWeight.inputGradient()).containsExactly(1);
    LayerProbe ofInput = run(layer, one, half, one);
    assertThat(ofInput.output()).containsExactly(1);
    assertThat(ofInput.weightGradient()).containsExactly(1);
    assertThat(run(layer, one, one, half).weightGradient()).containsExactly(1);

    Tensor weight = backend().createParameters(List.of(layer), 1, true).values().getFirst();
    weight.write(half);
    assertThat(Numbers.of(weight)).containsExactly(between);
  }

  /** A frozen weight is converted once, and again when it has been written. */
  @Test
  default void aFrozenLayerReadsWhatWasWrittenLast() {
    LayerSpec layer = new LinearSpec("fc", Shape.of(1), 1, false);
    ParameterArena arena = backend().createParameters(List.of(layer), 1, false);
    Tensor input = backend().createTensor("input", Shape.of(1, 1));
    input.write(new float[] {1});
    StepRecorder recorder = backend().record(1);
    Tensor output = recorder.forward(layer, arena, input, false).output();
    StepProgram program = recorder.build();
    for (float value : new float[] {2, 3}) {
      arena.values().getFirst().write(new float[] {value});
      program.run(2);
      assertThat(Numbers.of(output)).containsExactly(value);
    }
  }

  /** Each step's operands err by up to 2^-8. */
  @Override
  default double stepTolerance() {
    return 0.02;
  }

  private LayerProbe run(LayerSpec layer, float[] weight, float[] input, float[] gradient) {
    LayerProbe.Inputs inputs = new LayerProbe.Inputs(weight, new float[1], input, gradient);
    return LayerProbe.run(backend(), layer, 1, inputs, true);
  }
}
