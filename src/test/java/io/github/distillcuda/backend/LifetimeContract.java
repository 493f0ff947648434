package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** Backends side by side and one after the other: the same bits, and an end that stays an end. */
interface LifetimeContract extends ContractFixture {
  @Test
  default void itSaysWhatItIs() {
    BackendInfo info = backend().info();
    assertThat(info.device()).isNotBlank();
    assertThat(info.engine()).isIn("java", "panama", "jcuda");
    assertThat(info.precision()).isIn("fp64", "fp32", "tf32", "bf16");
    assertThat(info.kernels()).isIn("fused", "unfused", "eager");
  }

  @Test
  default void twoBackendsGiveTheSameBits() {
    GoldenTraining first = new GoldenTraining(backend(), Teacher.RECOMPUTED);
    GoldenTraining second = new GoldenTraining(another(), Teacher.RECOMPUTED);
    for (int step = 0; step < 3; step++) {
      assertThat(second.step()).isEqualTo(first.step());
    }
    Numbers.assertSameBits(second.parameters(), first.parameters(), "parameters");
    Numbers.assertSameBits(
        Numbers.of(second.student().secondMoments()),
        Numbers.of(first.student().secondMoments()),
        "second moments");
  }

  @Test
  default void closingOneLeavesTheOthersOpen() {
    Backend other = another();
    Tensor tensor = other.createTensor("kept", Shape.of(3));
    tensor.write(new float[] {1, 2, 3});
    backend().close();
    assertThat(Numbers.of(tensor)).containsExactly(1, 2, 3);
    assertThatCode(() -> new GoldenTraining(other, Teacher.CACHED).step())
        .doesNotThrowAnyException();
  }

  @Test
  default void aSecondCloseDoesNothing() {
    backend().close();
    assertThatCode(backend()::close).doesNotThrowAnyException();
  }

  @Test
  default void nothingCanBeUsedAfterTheEnd() {
    Backend backend = backend();
    Tensor tensor = backend.createTensor("some", Shape.of(2));
    StepState state = backend.createState();
    state.beginEpoch(new int[4]);
    LogitsTable table = backend.createLogitsTable(2, 2);
    StepRecorder recorder = backend.record(1);
    recorder.advance(state);
    StepProgram program = recorder.build();
    StepRecorder open = backend.record(1);
    backend.close();
    assertThatIllegalStateException().isThrownBy(() -> backend.createTensor("late", Shape.of(1)));
    assertThatIllegalStateException().isThrownBy(() -> backend.record(1));
    assertThatIllegalStateException().isThrownBy(() -> tensor.read(new float[2]));
    assertThatIllegalStateException().isThrownBy(() -> tensor.write(new double[2]));
    assertThatIllegalStateException().isThrownBy(() -> table.read(new float[4]));
    assertThatIllegalStateException().isThrownBy(() -> program.run(1));
    assertThatIllegalStateException().isThrownBy(open::build);
  }

  @Test
  default void aBuiltRecordingTakesNothingMore() {
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(1);
    recorder.advance(state);
    recorder.build();
    assertThatIllegalStateException().isThrownBy(() -> recorder.advance(state));
    assertThatIllegalStateException().isThrownBy(recorder::build);
  }
}
