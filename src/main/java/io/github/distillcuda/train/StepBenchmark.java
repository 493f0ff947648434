package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StageTime;
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
 * Adam, once it is warm, from before it is replayed until its results are on the host, and then
 * each of its operations by itself.
 */
public final class StepBenchmark {
  private static final int IMAGES = 4096;

  /**
   * The longest that a variant is warmed up and timed. Large batches on a CPU come to it, whose two
   * variants then end in two minutes; a GPU is done with its six long before.
   */
  private static final long WARM_UP_NANOSECONDS = 10_000_000_000L;

  private static final long TIMED_NANOSECONDS = 30_000_000_000L;
  private static final int FEWEST_TIMES = 10;

  /** Steps below this many milliseconds are timed several at once. */
  private static final double SHORT_MS = 1;

  /** As many as training runs between two looks at its state, or thereabouts. */
  private static final int SHORT_STEPS_AT_ONCE = 48;

  private final Backend backend;
  private final LongSupplier nanoTime;
  private final int batch;
  private final ResidentDataset data;
  private final Network teacher;

  /**
   * The distribution of one variant's steps.
   *
   * @param kernels the loss, {@code fused}, {@code unfused} or {@code eager}
   * @param variant {@code cached} or {@code recomputed} teacher logits
   * @param batch images a step
   * @param ms median milliseconds a step
   * @param p10 a tenth of the times are below, milliseconds a step
   * @param p90 a tenth of the times are above, milliseconds a step
   * @param n how many times were taken
   * @param stepsAtOnce how many steps each time is of
   * @param stages what each operation takes by itself, in order
   */
  public record Row(
      String kernels,
      String variant,
      int batch,
      double ms,
      double p10,
      double p90,
      int n,
      int stepsAtOnce,
      List<StageTime> stages) {}

  /**
   * Prepares data and teacher on a backend.
   *
   * @throws io.github.distillcuda.failure.DistillException DEVICE_MEMORY if there is no room for
   *     steps of this size
   */
  public StepBenchmark(Backend backend, int batch) {
    this(backend, batch, System::nanoTime);
  }

  /** The same with a clock in nanoseconds. */
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
                List.of(batch),
                DatasetLogits.steps(IMAGES)),
            student("student of cached logits"),
            student("student of recomputed logits")),
        batch,
        line -> {});
    teacher = Network.frozen(backend, Architecture.TEACHER, batch);
    teacher.load(InitialWeights.draw(Architecture.TEACHER, 1));
  }

  private PlannedModel student(String name) {
    return new PlannedModel(name, Architecture.STUDENT.layers(), true, List.of(batch), List.of());
  }

  /**
   * Times one variant. Where a step takes less than a millisecond, a time is of several, as
   * training runs them: alone, they would wait for the host.
   *
   * @param cached whether the teacher's logits come from the cache or from the teacher
   * @param warmUp steps that are not counted
   * @param times how many to take: fewer, ten at the least, where that takes longer than a bench
   *     should
   */
  public Row measure(boolean cached, int warmUp, int times) {
    Network student = Network.trainable(backend, Architecture.STUDENT, batch);
    student.load(InitialWeights.draw(Architecture.STUDENT, 2));
    TeacherSource source =
        cached
            ? new TeacherSource.Cached(
                new DatasetLogits(backend, teacher, data).compute(done -> {}))
            : new TeacherSource.Recomputed(teacher);
    TrainingTask task =
        new TrainingTask(
            ModelRole.STUDENT,
            student,
            new LossSpec(5, 0.7),
            source,
            new TrainingSettings(1, batch, 1e-3, 0));
    StepState state = backend.createState();
    StepProgram program = TrainingStep.record(backend, task, data, state, batch).program();
    int[] order = EpochOrder.of(0, 1, IMAGES);
    TimedSteps timedSteps = new TimedSteps(program, state, order);
    double usual = warmUp(timedSteps, warmUp);
    int atOnce = usual < SHORT_MS ? Math.min(SHORT_STEPS_AT_ONCE, IMAGES / batch) : 1;
    double[] milliseconds = new double[times];
    int timed = 0;
    long begin = nanoTime.getAsLong();
    while (timed < times && !isEnough(timed, begin, TIMED_NANOSECONDS)) {
      milliseconds[timed++] = timedSteps.milliseconds(atOnce);
    }
    List<StageTime> stages = program.timeStages(state, student.parameters(), order);
    double[] sorted = Arrays.copyOf(milliseconds, timed);
    Arrays.sort(sorted);
    return new Row(
        backend.info().kernels(),
        cached ? "cached" : "recomputed",
        batch,
        sorted[timed / 2],
        sorted[timed / 10],
        sorted[timed - 1 - timed / 10],
        timed,
        atOnce,
        stages);
  }

  /** Returns milliseconds of a step, the median. */
  private double warmUp(TimedSteps timedSteps, int steps) {
    double[] milliseconds = new double[steps];
    int done = 0;
    long begin = nanoTime.getAsLong();
    while (done < steps && !isEnough(done, begin, WARM_UP_NANOSECONDS)) {
      milliseconds[done++] = timedSteps.milliseconds(1);
    }
    Arrays.sort(milliseconds, 0, done);
    return done == 0 ? Double.POSITIVE_INFINITY : milliseconds[done / 2];
  }

  private boolean isEnough(int done, long begin, long limit) {
    return done >= FEWEST_TIMES && nanoTime.getAsLong() - begin > limit;
  }

  /** Runs steps, one epoch after the other, and times them. */
  private final class TimedSteps {
    private final StepProgram program;
    private final StepState state;
    private final int[] order;
    private int left;

    TimedSteps(StepProgram program, StepState state, int[] order) {
      this.program = program;
      this.state = state;
      this.order = order;
    }

    /** Runs steps and returns the milliseconds that one of them took. */
    double milliseconds(int steps) {
      if (left < steps) {
        state.beginEpoch(order);
        left = order.length / batch;
      }
      left -= steps;
      long start = nanoTime.getAsLong();
      program.run(steps);
      state.read();
      return (nanoTime.getAsLong() - start) / 1e6 / steps;
    }
  }
}
