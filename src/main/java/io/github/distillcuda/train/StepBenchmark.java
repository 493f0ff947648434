package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.data.EpochOrder;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.SplitMix64;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Times the distillation step of the published networks on random images: the whole step, gather to
 * Adam, once it is warm, each step from before it is replayed until its results are on the host.
 */
public final class StepBenchmark {
  private static final int IMAGES = 4096;

  /**
   * What large batches are warmed up and timed for at most, so that a bench ends in two minutes.
   */
  private static final long WARM_UP_NANOSECONDS = 10_000_000_000L;

  private static final long TIMED_NANOSECONDS = 30_000_000_000L;
  private static final int FEWEST_STEPS = 10;

  private final Backend backend;
  private final LongSupplier nanoTime;
  private final int batch;
  private final ResidentDataset data;
  private final Network teacher;

  /**
   * The distribution of one variant's steps.
   *
   * @param variant {@code cached} or {@code recomputed} teacher logits
   * @param batch images a step
   * @param ms median milliseconds a step
   * @param p10 a tenth of the steps were faster, milliseconds
   * @param p90 a tenth of the steps were slower, milliseconds
   * @param n steps that were timed
   */
  public record Row(String variant, int batch, double ms, double p10, double p90, int n) {}

  /**
   * Prepares data and teacher on a backend.
   *
   * @throws io.github.distillcuda.failure.DistillException DEVICE_MEMORY if there is no room for
   *     steps of this size
   */
  public StepBenchmark(Backend backend, int batch) {
    this(backend, batch, System::nanoTime);
  }

  /** The same by another clock. */
  StepBenchmark(Backend backend, int batch, LongSupplier nanoTime) {
    this.backend = backend;
    this.nanoTime = nanoTime;
    this.batch = batch;
    SplitMix64 random = new SplitMix64(0);
    byte[] images = new byte[IMAGES * Architecture.IMAGE.elements()];
    for (int i = 0; i < images.length; i++) {
      images[i] = (byte) random.nextLong();
    }
    byte[] labels = new byte[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
      labels[i] = (byte) random.nextInt(Architecture.CIFAR10_CLASSES);
    }
    data = backend.upload(Architecture.IMAGE, images, labels);
    backend.requireRoom(
        List.of(
            new PlannedModel(
                "teacher",
                Architecture.TEACHER.layers(),
                false,
                batch,
                DatasetLogits.rowsOfSteps(IMAGES)),
            student("student of cached logits"),
            student("student of recomputed logits")),
        batch);
    teacher = Network.frozen(backend, Architecture.TEACHER, batch);
    teacher.load(InitialWeights.draw(Architecture.TEACHER, 1));
  }

  private PlannedModel student(String name) {
    return new PlannedModel(name, Architecture.STUDENT.layers(), true, batch, 0);
  }

  /**
   * Times one variant: fewer steps than asked, ten at the least, where they take longer than a
   * bench should.
   *
   * @param cached whether the teacher's logits come from the cache or from the teacher
   * @param warmUp steps that are not counted
   * @param steps steps that are
   */
  public Row measure(boolean cached, int warmUp, int steps) {
    Network student = Network.trainable(backend, Architecture.STUDENT, batch);
    student.load(InitialWeights.draw(Architecture.STUDENT, 2));
    TeacherSource source =
        cached
            ? new TeacherSource.Cached(
                new DatasetLogits(backend, teacher, data).compute(done -> {}))
            : new TeacherSource.Recomputed(teacher);
    TrainingTask task =
        new TrainingTask(
            "student",
            student,
            new LossSpec(5, 0.7),
            source,
            new TrainingSettings(1, batch, 1e-3, 0));
    StepState state = backend.createState();
    StepProgram program = TrainingStep.record(backend, task, data, state, batch).program();
    int[] order = EpochOrder.of(0, 1, IMAGES);
    int stepsAnEpoch = IMAGES / batch;
    double[] milliseconds = new double[steps];
    int timed = 0;
    long begin = nanoTime.getAsLong();
    boolean warm = false;
    for (int step = 0; timed < steps; step++) {
      if (step % stepsAnEpoch == 0) {
        state.beginEpoch(order);
      }
      long start = nanoTime.getAsLong();
      if (!warm && isEnough(step, warmUp, start - begin, WARM_UP_NANOSECONDS)) {
        warm = true;
        begin = start;
      }
      if (warm && isEnough(timed, steps, start - begin, TIMED_NANOSECONDS)) {
        break;
      }
      program.run(1);
      state.read();
      if (warm) {
        milliseconds[timed++] = (nanoTime.getAsLong() - start) / 1e6;
      }
    }
    return row(cached ? "cached" : "recomputed", Arrays.copyOf(milliseconds, timed));
  }

  private static boolean isEnough(int done, int wanted, long nanoseconds, long limit) {
    return done >= wanted || (done >= FEWEST_STEPS && nanoseconds > limit);
  }

  private Row row(String variant, double[] milliseconds) {
    int n = milliseconds.length;
    Arrays.sort(milliseconds);
    return new Row(
        variant, batch, milliseconds[n / 2], milliseconds[n / 10], milliseconds[n - 1 - n / 10], n);
  }
}
