package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.tensor.Shape;
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
    ParameterArena arena = arena(golden, true);
    Tensor input = tensor("input", golden.spec().inputShape(), golden);
    input.write(golden.input());
    Tensor outputGradient = tensor("outputGradient", golden.spec().outputShape(), golden);
    StepRecorder recorder = backend().record(golden.batch());
    LayerPass pass = recorder.forward(golden.spec(), arena, input, true);
    assertThat(pass.layer()).isEqualTo(golden.spec());
    Tensor inputGradient = recorder.backward(pass, outputGradient, true);
    StepProgram program = recorder.build();
    // Twice: gradients are overwritten, not added to. The backward pass may spoil its input.
    for (int step = 0; step < 2; step++) {
      outputGradient.write(golden.outputGradient());
      program.run(1);
    }
    assertGolden(golden, "output", pass.output());
    assertGolden(golden, "inputGradient", inputGradient);
    assertGolden(golden, "weightGradient", arena.gradients().getFirst());
    assertGolden(golden, "biasGradient", arena.gradients().getLast());
    assertThat(Numbers.of(arena.values()))
        .as("parameters")
        .startsWith(Numbers.widened(golden.weight()))
        .endsWith(Numbers.widened(golden.bias()));
  }

  @ParameterizedTest
  @MethodSource(GOLDEN_LAYERS)
  default void inferenceWithFrozenParametersIsPyTorchs(GoldenLayer golden) {
    Tensor input = tensor("input", golden.spec().inputShape(), golden);
    input.write(golden.input());
    StepRecorder recorder = backend().record(golden.batch());
    LayerPass pass = recorder.forward(golden.spec(), arena(golden, false), input, false);
    recorder.build().run(1);
    assertThat(pass.output().shape())
        .isEqualTo(golden.spec().outputShape().withBatch(golden.batch()));
    assertGolden(golden, "output", pass.output());
  }

  @ParameterizedTest
  @MethodSource(GOLDEN_LAYERS)
  default void theGradientOfTheInputIsComputedOnlyWhereItIsWanted(GoldenLayer golden) {
    ParameterArena arena = arena(golden, true);
    Tensor input = tensor("input", golden.spec().inputShape(), golden);
    input.write(golden.input());
    Tensor outputGradient = tensor("outputGradient", golden.spec().outputShape(), golden);
    outputGradient.write(golden.outputGradient());
    StepRecorder recorder = backend().record(golden.batch());
    LayerPass pass = recorder.forward(golden.spec(), arena, input, true);
    assertThat(recorder.backward(pass, outputGradient, false)).isNull();
    recorder.build().run(1);
    assertGolden(golden, "weightGradient", arena.gradients().getFirst());
    assertGolden(golden, "biasGradient", arena.gradients().getLast());
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

  /** Planned for another batch, as the tail of an epoch finds it, and full of old gradients. */
  private ParameterArena arena(GoldenLayer golden, boolean trainable) {
    ParameterArena arena =
        backend().createParameters(List.of(golden.spec()), golden.batch() + 3, trainable);
    arena.values().getFirst().write(golden.weight());
    arena.values().getLast().write(golden.bias());
    for (Tensor gradient : arena.gradients()) {
      gradient.write(GoldenHash.symmetric(9, gradient.shape().elements(), 100));
    }
    return arena;
  }

  private Tensor tensor(String name, Shape one, GoldenLayer golden) {
    return backend().createTensor(name, one.withBatch(golden.batch()));
  }

  private void assertGolden(GoldenLayer golden, String result, Tensor actual) {
    double[] magnitude = golden.magnitude(result);
    // Whole numbers below 2^24 are exact in float32, and so are their sums.
    double product = golden.exact() ? 0 : tolerances().product();
    Numbers.assertWithin(
        i -> product * magnitude[i], Numbers.of(actual), golden.result(result), result);
  }
}
