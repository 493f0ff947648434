package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdamStepTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final AdamSpec SPEC = AdamSpec.withLearningRate(1e-3);

  /** Two weights and a bias. */
  private static final LinearSpec LAYER = new LinearSpec("fc", Shape.of(2), 1, false);

  private final ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT);
  private final ParameterArena arena = backend.createParameters(List.of(LAYER), 1, true);
  private final StepState state = backend.createState();
  private final StepProgram program = adam(SPEC);

  @AfterEach
  void close() {
    backend.close();
  }

  private StepProgram adam(AdamSpec spec) {
    StepRecorder recorder = backend.record(1);
    recorder.adam(spec, arena, state);
    return recorder.build();
  }

  @Test
  void firstStepMovesByTheLearningRate() {
    set(arena.gradients(), 4, -1e-3, 1e-8);
    program.run(1);

    // m/(1-beta1) = g and sqrt(v/(1-beta2)) = |g|: lr*g/(|g| + epsilon).
    double[] expected = {-1e-3 * 4 / (4 + 1e-8), 1e-3 * 1e-3 / (1e-3 + 1e-8), -0.5e-3};
    assertThat(get(arena.values())).containsExactly(expected, within(1e-17)); // of 1e-3, rounded
    assertThat(get(arena.firstMoments()))
        .containsExactly(new double[] {0.4, -1e-4, 1e-9}, within(1e-16));
    assertThat(get(arena.secondMoments()))
        .containsExactly(new double[] {0.016, 1e-9, 1e-19}, within(1e-16));
  }

  @Test
  void tenStepsFollowTheFormulaInExactArithmetic() {
    double[][] gradients = new double[10][];
    for (int t = 0; t < 10; t++) {
      gradients[t] = new double[] {Math.sin(t + 1), 1e-6 * (t - 4), t == 3 ? 100 : 0};
    }
    double[] start = {0.5, -2, 0};
    set(arena.values(), start);
    for (int t = 0; t < 10; t++) {
      set(arena.gradients(), gradients[t]);
      program.run(1);

      double[] expected = new double[3];
      for (int i = 0; i < 3; i++) {
        expected[i] = exact(start[i], gradients, i, t + 1);
      }
      // A rounding of the parameter a step, 2^-53 of at most 2.
      assertThat(get(arena.values())).containsExactly(expected, within(5e-15));
      assertThat(state.read().optimizerStep()).isEqualTo(t + 1);
    }
  }

  /** One parameter after some steps; the constants are the doubles that the code sees. */
  private static double exact(double start, double[][] gradients, int index, int steps) {
    BigDecimal beta1 = new BigDecimal(SPEC.beta1());
    BigDecimal beta2 = new BigDecimal(SPEC.beta2());
    BigDecimal p = new BigDecimal(start);
    BigDecimal m = BigDecimal.ZERO;
    BigDecimal v = BigDecimal.ZERO;
    for (int t = 1; t <= steps; t++) {
      BigDecimal g = new BigDecimal(gradients[t - 1][index]);
      m = beta1.multiply(m).add(BigDecimal.ONE.subtract(beta1).multiply(g), DIGITS);
      v = beta2.multiply(v).add(BigDecimal.ONE.subtract(beta2).multiply(g).multiply(g), DIGITS);
      BigDecimal mHat = m.divide(BigDecimal.ONE.subtract(beta1.pow(t)), DIGITS);
      BigDecimal vHat = v.divide(BigDecimal.ONE.subtract(beta2.pow(t)), DIGITS);
      BigDecimal denominator = vHat.sqrt(DIGITS).add(new BigDecimal(SPEC.epsilon()));
      BigDecimal step = new BigDecimal(SPEC.learningRate()).multiply(mHat);
      p = p.subtract(step.divide(denominator, DIGITS), DIGITS);
    }
    return p.doubleValue();
  }

  @Test
  void aRestoredStepNumberGoesOn() {
    StepProgress at1000 = new StepProgress(0, 1000, 0, 0, 0, 0, 0, 0);
    state.restore(at1000);
    set(arena.gradients(), 1, 1, 1);
    program.run(1);

    double firstCorrection = 1 - Math.pow(0.9, 1001);
    double secondCorrection = 1 - Math.pow(0.999, 1001);
    double expected =
        -1e-3 * (0.1 / firstCorrection) / (Math.sqrt(0.001 / secondCorrection) + 1e-8);
    assertThat(get(arena.values())[0]).isCloseTo(expected, within(1e-15)); // of 2e-3, rounded
    assertThat(state.read().optimizerStep()).isEqualTo(1001);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void aGradientThatIsNotFiniteStopsAllWritesForGood(double bad) {
    set(arena.gradients(), 1, 2, 3);
    program.run(2);
    double[] values = get(arena.values());
    double[] first = get(arena.firstMoments());
    double[] second = get(arena.secondMoments());

    set(arena.gradients(), 1, 2, bad);
    program.run(1);
    set(arena.gradients(), 1, 2, 3);
    program.run(5);

    assertThat(get(arena.values())).isEqualTo(values);
    assertThat(get(arena.firstMoments())).isEqualTo(first);
    assertThat(get(arena.secondMoments())).isEqualTo(second);
    assertThat(state.read().firstNonFiniteStep()).isEqualTo(3);
    assertThat(state.read().optimizerStep()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void aParameterThatIsNotFiniteStopsTheStepThatMeetsIt(double bad) {
    set(arena.values(), 1, bad, 1);
    set(arena.gradients(), 1, 1, 1);
    program.run(1);

    assertThat(get(arena.values())).containsExactly(1, bad, 1);
    assertThat(get(arena.firstMoments())).containsOnly(0);
    assertThat(state.read().firstNonFiniteStep()).isEqualTo(1);
    assertThat(state.read().optimizerStep()).isZero();
  }

  @Test
  void anOverflowingStepIsCaughtByTheNext() {
    StepProgram huge = adam(AdamSpec.withLearningRate(Double.MAX_VALUE));
    set(arena.gradients(), -1, 1, 1);
    set(arena.values(), Double.MAX_VALUE, 0, 0);
    huge.run(1);
    assertThat(state.read().firstNonFiniteStep()).isZero();
    program.run(1);

    assertThat(state.read().firstNonFiniteStep()).isEqualTo(2);
    assertThat(state.read().optimizerStep()).isEqualTo(1);
  }

  @Test
  void theFlagIsRestoredAndClearedWithTheProgress() {
    state.restore(new StepProgress(0, 7, 0, 0, 0, 0, 0, 5));
    set(arena.gradients(), 1, Double.NaN, 1);
    program.run(1);
    assertThat(state.read().firstNonFiniteStep()).isEqualTo(5); // the first stays the first
    set(arena.gradients(), 1, 1, 1);
    program.run(1);
    assertThat(get(arena.values())).containsOnly(0);

    state.restore(new StepProgress(0, 7, 0, 0, 0, 0, 0, 0));
    program.run(1);
    assertThat(get(arena.values())[0]).isNegative();
    assertThat(state.read().optimizerStep()).isEqualTo(8);
  }

  private static void set(List<Tensor> tensors, double... values) {
    tensors.getFirst().write(new double[] {values[0], values[1]});
    tensors.getLast().write(new double[] {values[2]});
  }

  private static double[] get(List<Tensor> tensors) {
    List<Double> all = new ArrayList<>();
    for (Tensor tensor : tensors) {
      for (double value : RecordedLayer.values(tensor)) {
        all.add(value);
      }
    }
    return all.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
