package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Adam against PyTorch, on gradients of very different sizes. */
interface AdamContract extends ContractFixture {
  @Test
  default void tenStepsArePyTorchs() {
    AdamRun run = new AdamRun(backend());
    for (int step = 1; step <= AdamRun.STEPS; step++) {
      run.step();
      assertThat(run.state.read().optimizerStep()).isEqualTo(step);
      assertParameters(run, step, step);
    }
    for (int part = 0; part < 2; part++) {
      double[] sizes = run.gradientSizes(part);
      // Scales: the largest gradient and its square, of which the moments are weighted means.
      Numbers.assertWithin(
          i -> tolerances().moments() * sizes[i],
          Numbers.of(run.arena.firstMoments().get(part)),
          Golden.doubles(AdamRun.name(part) + ".firstMoment"),
          AdamRun.name(part) + " first moment");
      Numbers.assertWithin(
          i -> tolerances().moments() * sizes[i] * sizes[i],
          Numbers.of(run.arena.secondMoments().get(part)),
          Golden.doubles(AdamRun.name(part) + ".secondMoment"),
          AdamRun.name(part) + " second moment");
    }
  }

  /** The bias correction follows the restored step number, not the number of calls. */
  @Test
  default void aRestoredStepNumberGoesOnCounting() {
    AdamRun first = new AdamRun(backend());
    for (int step = 0; step < 4; step++) {
      first.step();
    }
    AdamRun second = new AdamRun(backend());
    second.resume(first);
    second.step();
    first.step();
    for (int part = 0; part < 2; part++) {
      Numbers.assertSameBits(
          Numbers.of(second.arena.values().get(part)),
          Numbers.of(first.arena.values().get(part)),
          AdamRun.name(part));
    }
  }

  @Test
  default void gradientsStayAsTheyWere() {
    AdamRun run = new AdamRun(backend());
    run.step();
    assertThat(Numbers.of(run.arena.gradients().getFirst()))
        .containsExactly(Numbers.widened(run.gradient(0, 0)));
  }

  private void assertParameters(AdamRun run, int step, int steps) {
    for (int part = 0; part < 2; part++) {
      double[] all = Golden.doubles(AdamRun.name(part));
      int count = all.length / AdamRun.STEPS;
      double[] expected = Arrays.copyOfRange(all, (step - 1) * count, step * count);
      // A step adds its own error and two roundings of the parameter to those before.
      Numbers.assertWithin(
          i ->
              steps
                  * (2 * tolerances().epsilon() * Math.abs(expected[i])
                      + tolerances().adam() * AdamRun.SPEC.learningRate()),
          Numbers.of(run.arena.values().get(part)),
          expected,
          "%s after step %d".formatted(AdamRun.name(part), step));
    }
  }

  /** Weight (part 0) and bias (part 1) of a linear layer under given gradients. */
  final class AdamRun {
    private static final JsonObject GOLDEN = Golden.section("adam");
    static final int STEPS = GOLDEN.get("steps").getAsInt();
    static final AdamSpec SPEC =
        new AdamSpec(
            GOLDEN.get("learningRate").getAsDouble(),
            GOLDEN.get("beta1").getAsDouble(),
            GOLDEN.get("beta2").getAsDouble(),
            GOLDEN.get("epsilon").getAsDouble());

    final ParameterArena arena;
    final StepState state;
    private final StepProgram program;
    private int steps;

    AdamRun(Backend backend) {
      int inputs = GOLDEN.get("inputs").getAsInt();
      LayerSpec layer =
          new LinearSpec("fc", Shape.of(inputs), GOLDEN.get("outputs").getAsInt(), false);
      arena = backend.createParameters(List.of(layer), 1, true);
      for (int part = 0; part < 2; part++) {
        Tensor values = arena.values().get(part);
        long seed = seed(part == 0 ? "weight" : "bias");
        values.write(GoldenHash.weights(seed, values.shape().elements(), inputs));
      }
      state = backend.createState();
      state.beginEpoch(new int[STEPS]);
      StepRecorder recorder = backend.record(1);
      recorder.adam(SPEC, arena, state);
      recorder.advance(state);
      program = recorder.build();
    }

    static String name(int part) {
      return part == 0 ? "adam.weight" : "adam.bias";
    }

    void step() {
      for (int part = 0; part < 2; part++) {
        arena.gradients().get(part).write(gradient(part, steps));
      }
      program.run(1);
      steps++;
    }

    void resume(AdamRun other) {
      Numbers.write(Numbers.of(other.arena.values()), arena.values());
      Numbers.write(Numbers.of(other.arena.firstMoments()), arena.firstMoments());
      Numbers.write(Numbers.of(other.arena.secondMoments()), arena.secondMoments());
      state.restore(other.state.read());
      steps = other.steps;
    }

    /** Returns the gradient of a step counted from 0. */
    float[] gradient(int part, int step) {
      long seed = seed(part == 0 ? "weightGradients" : "biasGradients");
      return GoldenHash.symmetric(seed + step, gradientSizes(part));
    }

    /** Returns the largest absolute value that a gradient may have, element by element. */
    double[] gradientSizes(int part) {
      double[] cycle = Golden.numbers(GOLDEN.get("gradientSizes"));
      double[] sizes = new double[arena.values().get(part).shape().elements()];
      Arrays.setAll(sizes, i -> cycle[i % cycle.length]);
      return sizes;
    }

    private static long seed(String name) {
      return GOLDEN.getAsJsonObject("seeds").get(name).getAsLong();
    }
  }
}
