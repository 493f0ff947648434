package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.nn.Architecture;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What is said of the rest of a run, against the time that it then takes on a device of one rate.
 */
class EstimatingListenerTest {
  private static final int TRAIN = 50_000;
  private static final int TEST = 10_000;

  /** Seconds between two models: steps are recorded, libraries loaded. */
  private static final double BETWEEN = 7;

  /** A device that does so many forward passes of the teacher in a second, and its clock. */
  private static final class SimulatedRun implements TrainingListener {
    private final RunConfig config;
    private final double secondsOfMultiplyAdd;
    private final EstimatingListener listener;
    private double clock = 100;
    private double idle;
    private double estimated = Double.NaN;
    private double estimatedAt;
    private double idleAtEstimate;
    private int estimates;
    private ModelRole estimatedIn;
    private int estimatedInEpoch;
    private int epochsDone;

    SimulatedRun(RunConfig config, double teacherImagesPerSecond) {
      this.config = config;
      secondsOfMultiplyAdd =
          1 / (teacherImagesPerSecond * Architecture.TEACHER.forwardMultiplyAdds());
      listener =
          new EstimatingListener(config, TRAIN, TEST, this, () -> (long) Math.rint(clock * 1e9));
    }

    @Override
    public void estimate(double seconds) {
      estimates++;
      estimated = seconds;
      estimatedAt = clock;
      idleAtEstimate = idle;
    }

    @Override
    public void epochDone(EpochRecord epoch) {
      epochsDone++;
    }

    SimulatedRun run() {
      return resume(null, TrainingPosition.START);
    }

    /** Goes on with a model at a position; from the beginning where there is no model. */
    SimulatedRun resume(ModelRole from, TrainingPosition position) {
      for (ModelRole role : config.models()) {
        if (from == null || role.compareTo(from) > 0) {
          train(role, TrainingPosition.START);
        } else if (role == from) {
          train(role, position);
        }
      }
      return this;
    }

    private void train(ModelRole role, TrainingPosition from) {
      clock += BETWEEN;
      idle += BETWEEN;
      double teacher = config.teacher().forwardMultiplyAdds();
      double forward = config.architecture(role).forwardMultiplyAdds();
      double step = 3 * forward;
      if (role == ModelRole.STUDENT && config.recomputeTeacher()) {
        step += teacher;
      } else if (role == ModelRole.STUDENT) {
        compute(new Work.TeacherLogits(), 0, TRAIN, 50, teacher);
      }
      int epochs = config.settings(role).epochs();
      listener.trainingStarted(
          new TrainingTask(
              role, null, LossSpec.CROSS_ENTROPY, new TeacherSource.None(), config.settings(role)),
          from);
      int cursor = from.progress().cursor();
      for (int epoch = from.epoch(); epoch <= epochs; epoch++) {
        boolean before = estimates == 0;
        compute(new Work.Epoch(role, epoch, epochs), cursor, TRAIN, 40, step);
        cursor = 0;
        compute(new Work.EpochTest(role, epoch, epochs), 0, TEST, 50, forward);
        listener.epochDone(null);
        if (before && estimates == 1) {
          estimatedIn = role;
          estimatedInEpoch = epoch;
        }
      }
      compute(new Work.SavedTest(role), 0, TEST, 50, forward);
    }

    private void compute(Work work, int from, int images, int chunks, double perImage) {
      int chunk = images / chunks;
      for (int done = from; done < images; done += chunk) {
        clock += chunk * perImage * secondsOfMultiplyAdd;
        listener.progress(work, done + chunk, images);
      }
    }

    /** The rest of the run, without what goes with no rate; clock ticks are nanoseconds. */
    void assertEstimateIsWhatTheRestTook() {
      assertThat(estimates).isEqualTo(1);
      double rest = clock - estimatedAt - (idle - idleAtEstimate);
      assertThat(estimated).isCloseTo(rest, within(1e-6 * rest));
    }
  }

  private static TinyRun wide() {
    return new TinyRun().networks(Architecture.TEACHER, Architecture.STUDENT);
  }

  /** An epoch takes 0.5 s and its test 0.03 s: as on a GPU, far less than what is watched. */
  @Test
  void epochsThatAreShortAddUp() {
    SimulatedRun run = new SimulatedRun(wide().epochs(1000, 2000).config(), 300_000).run();
    assertThat(run.estimatedIn).isEqualTo(ModelRole.TEACHER);
    assertThat(run.estimatedInEpoch).isEqualTo(4);
    run.assertEstimateIsWhatTheRestTook();
    assertThat(run.epochsDone).as("passed on").isEqualTo(1000 + 2000 + 2000);
  }

  /** It takes half a minute; the tests after the epochs are a sixteenth of the whole. */
  @Test
  void aSlowRunIsEstimatedInItsFirstEpoch() {
    SimulatedRun run = new SimulatedRun(wide().epochs(10, 10).config(), 5_000).run();
    assertThat(run.estimatedIn).isEqualTo(ModelRole.TEACHER);
    assertThat(run.estimatedInEpoch).isEqualTo(1);
    run.assertEstimateIsWhatTheRestTook();
  }

  @Test
  void aTeacherThatIsRecomputedIsCountedInEveryStep() {
    RunConfig config = wide().epochs(2, 5).recomputeTeacher(true).config();
    new SimulatedRun(config, 5_000).run().assertEstimateIsWhatTheRestTook();
  }

  /** An epoch of each model is 0.95 s with its test; what lies between them is no work. */
  @Test
  void whatIsSeenAddsUpOverModels() {
    RunConfig config =
        new TinyRun().networks(Architecture.TEACHER, Architecture.TEACHER).epochs(1, 1).config();
    SimulatedRun run = new SimulatedRun(config, 168_000).run();
    assertThat(run.estimatedIn).isEqualTo(ModelRole.STUDENT);
    run.assertEstimateIsWhatTheRestTook();
  }

  @Test
  void aRunThatGoesOnIsEstimatedFromThere() {
    SimulatedRun run = new SimulatedRun(wide().epochs(5, 20).config(), 5_000);
    StepProgress half = new StepProgress(TRAIN / 2, 4_300, 0, 0, 0, 0, 0, 0);
    run.resume(ModelRole.BASELINE, new TrainingPosition(6, half, 3, List.of()));
    assertThat(run.estimatedIn).isEqualTo(ModelRole.BASELINE);
    run.assertEstimateIsWhatTheRestTook();
  }

  @Test
  void ofAShortRunNothingIsSaid() {
    SimulatedRun run = new SimulatedRun(wide().epochs(1, 1).config(), 300_000).run();
    assertThat(run.estimates).isZero();
  }
}
