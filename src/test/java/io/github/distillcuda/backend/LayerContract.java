package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Both kinds of layer, forward and backward, against PyTorch. */
interface LayerContract extends ContractFixture {
  String GOLDEN_LAYERS = "io.github.distillcuda.backend.GoldenLayer#all";

  @ParameterizedTest
  @MethodSource(GOLDEN_LAYERS)
  default void trainingPassIsPyTorchs(GoldenLayer golden) {
    LayerProbe probe = run(golden, true);
    assertGolden(golden, "output", probe.output());
    assertGolden(golden, "inputGradient", probe.inputGradient());
    assertGolden(golden, "weightGradient", probe.weightGradient());
    assertGolden(golden, "biasGradient", probe.biasGradient());
  }

  @ParameterizedTest
  @MethodSource(GOLDEN_LAYERS)
  default void theGradientOfTheInputIsComputedOnlyWhereItIsWanted(GoldenLayer golden) {
    LayerProbe probe = run(golden, false);
    assertThat(probe.inputGradient()).isNull();
    assertGolden(golden, "weightGradient", probe.weightGradient());
    assertGolden(golden, "biasGradient", probe.biasGradient());
  }

  @ParameterizedTest
  @MethodSource(GOLDEN_LAYERS)
  default void inferenceWithFrozenParametersIsPyTorchs(GoldenLayer golden) {
    LayerSpec layer = golden.spec();
    ParameterArena arena = backend().createParameters(List.of(layer), golden.batch(), false);
    arena.values().getFirst().write(golden.inputs().weight());
    arena.values().getLast().write(golden.inputs().bias());
    Tensor input = backend().createTensor("input", layer.inputShape().withBatch(golden.batch()));
    input.write(golden.inputs().input());
    StepRecorder recorder = backend().record(golden.batch());
    LayerPass pass = recorder.forward(layer, arena, input, false);
    recorder.build().run(1);
    assertThat(pass.layer()).isEqualTo(layer);
    assertThat(pass.output().shape()).isEqualTo(layer.outputShape().withBatch(golden.batch()));
    assertGolden(golden, "output", Numbers.of(pass.output()));
  }

  /** Four layers in a row, so that one's layout is the next one's, in batches that end unevenly. */
  @Test
  default void theTeachersLogitsArePyTorchs() {
    GoldenTraining training = new GoldenTraining(backend(), GoldenTraining.Teacher.CACHED);
    double[] expected = Golden.doubles("training.teacherLogits");
    double bound = tolerances().network() * Numbers.largest(expected);
    float[] logits = new float[expected.length];
    training.teacherCache().read(logits);
    // A table is read as float32, whatever it holds: half a unit of the last place is the table's.
    Numbers.assertWithin(
        i -> bound + 0x1p-24 * Math.abs(expected[i]),
        Numbers.widened(logits),
        expected,
        "teacher's logits");
  }

  private LayerProbe run(GoldenLayer golden, boolean wantInputGradient) {
    return LayerProbe.run(
        backend(), golden.spec(), golden.batch(), golden.inputs(), wantInputGradient);
  }

  private void assertGolden(GoldenLayer golden, String result, double[] actual) {
    boolean isOutput = result.equals("output");
    if (!isOutput && golden.spec() instanceof ConvolutionSpec && tolerances().operand() > 0) {
      // Rounding may make another element the largest of its pooling window, and the gradient goes
      // there: no bound is both safe and narrow. RealLayerContract has windows that it leaves
      // alone.
      return;
    }
    double[] magnitude = golden.magnitude(result);
    double[] expected = golden.result(result);
    // Whole numbers below 2^24 are exact in float32, and so are their sums but Winograd's.
    double product = golden.exact() ? 0 : tolerances().product();
    double operand = isOutput || result.equals("inputGradient") ? tolerances().operand() : 0;
    double largest = golden.exact() ? golden.bound() : 1;
    double winograd =
        result.equals("weightGradient")
            ? tolerances().winogradGradient(golden.spec(), golden.batch(), largest)
            : 0;
    Numbers.assertWithin(
        i -> product * magnitude[i] + operand * Math.abs(expected[i]) + winograd,
        actual,
        expected,
        result);
  }
}
