package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import io.github.distillcuda.nn.Network;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a trainer says of its times, on a clock that each step and each test set forward. */
class TrainerTimesTest {
  /** Four full steps and a tail of eight rows. */
  private static final ImageDataset DATA = TinyData.of(72, 10);

  private static final int STEPS = 5;
  private static final long SECONDS_OF_STEP = 3;
  private static final long SECONDS_OF_TEST = 1000;
  private static final Architecture NETWORK = new Architecture(1, 2, 3, 10);

  private final Backend backend = new ReferenceBackend(BackendOptions.DEFAULT);
  private final StopSignal stop = new StopSignal();
  private long clock = 50;
  private int stopAfter = Integer.MAX_VALUE;

  @AfterEach
  void close() {
    backend.close();
  }

  private Trainer trainer(Network network, StopSignal signal) {
    ResidentDataset train =
        backend.upload(Architecture.IMAGE, DATA.trainImages(), DATA.trainLabels());
    ResidentDataset test = backend.upload(Architecture.IMAGE, DATA.testImages(), DATA.testLabels());
    TrainingTask task =
        new TrainingTask(
            ModelRole.STUDENT,
            network,
            LossSpec.CROSS_ENTROPY,
            new TeacherSource.None(),
            new TrainingSettings(2, 16, 1e-3, 42));
    Evaluator evaluator = new Evaluator(backend, "student", network, test, DATA.testLabels());
    TrainingListener ticking =
        new TrainingListener() {
          private int steps;

          @Override
          public void progress(Work work, int done, int total) {
            if (work instanceof Work.EpochTest) {
              clock += SECONDS_OF_TEST;
            } else {
              clock += SECONDS_OF_STEP;
              if (++steps == stopAfter) {
                signal.request(ExitCode.INTERRUPTED);
              }
            }
          }
        };
    return new Trainer(
        backend, task, train, evaluator, ticking, signal, () -> clock * 1_000_000_000);
  }

  private Network network() {
    Network network = Network.trainable(backend, NETWORK, 16);
    network.load(InitialWeights.draw(NETWORK, 7));
    return network;
  }

  private static void assertTimes(List<EpochRecord> history) {
    assertThat(history).hasSize(2);
    for (EpochRecord epoch : history) {
      assertThat(epoch.seconds()).isEqualTo(STEPS * SECONDS_OF_STEP);
      assertThat(epoch.imagesPerSecond()).isEqualTo(72.0 / (STEPS * SECONDS_OF_STEP));
    }
  }

  @Test
  void anEpochTakesItsStepsAndNotItsTest() {
    assertTimes(trainer(network(), stop).train(TrainingPosition.START, (position, stopping) -> {}));
  }

  /** The time between the two parts of an interrupted epoch is nobody's. */
  @Test
  void anEpochThatWasInterruptedTakesBothOfItsParts() {
    Network network = network();
    List<TrainingPosition> saved = new ArrayList<>();
    stopAfter = STEPS + 2;
    Trainer interrupted = trainer(network, stop);
    assertThatThrownBy(
            () -> interrupted.train(TrainingPosition.START, (at, stopping) -> saved.add(at)))
        .isInstanceOf(DistillException.class)
        .hasMessage("interrupted after step 7 of the student");
    assertThat(saved.getLast().epochSeconds()).isEqualTo(2 * SECONDS_OF_STEP);
    clock += 100_000;
    stopAfter = Integer.MAX_VALUE;
    assertTimes(
        trainer(network, new StopSignal()).train(saved.getLast(), (position, stopping) -> {}));
  }
}
