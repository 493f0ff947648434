package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.data.EpochOrder;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import io.github.distillcuda.nn.Network;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Times the distillation of the published student on a device: a step, and ten epochs from "data on
 * the device, steps recorded" to "loss on the host", without tests and files between. Images are
 * random, so losses say only that nothing broke.
 */
final class RunBench {
  private static final int EPOCHS = 10;
  private static final LossSpec LOSS = new LossSpec(5, 0.7);
  private static final double LEARNING_RATE = 1e-3;

  /** Steps between two looks at the clock. */
  private static final int STEPS_AT_A_TIME = 50;

  /**
   * What was measured.
   *
   * @param repeats how often {@link #STEPS_AT_A_TIME} steps were timed
   * @param p10 microseconds a step, likewise p50 and p90
   * @param tenEpochsSeconds 0 if not measured
   * @param setUpSeconds recording the step, cached logits included
   * @param loss mean of the last epoch, or of the steps
   */
  record Result(
      int repeats,
      double p10,
      double p50,
      double p90,
      double tenEpochsSeconds,
      double setUpSeconds,
      double loss) {}

  private final Backend backend;
  private final int images;
  private final ResidentDataset data;

  /** Uploads random images. */
  RunBench(Backend backend, int images) {
    this.backend = backend;
    this.images = images;
    SplittableRandom random = new SplittableRandom(0);
    byte[] pixels = new byte[images * Architecture.IMAGE.elements()];
    random.nextBytes(pixels);
    byte[] labels = new byte[images];
    for (int i = 0; i < images; i++) {
      labels[i] = (byte) random.nextInt(Architecture.CIFAR10_CLASSES);
    }
    data = backend.upload(Architecture.IMAGE, pixels, labels);
  }

  /**
   * Times one variant.
   *
   * @param batch rows of a step, at most the images
   * @param limitMillis for the repeated steps
   * @param epochs whether to time ten epochs too
   */
  Result measure(boolean cached, int batch, long limitMillis, boolean epochs) {
    long begin = System.nanoTime();
    TrainingTask task = task(cached, batch);
    StepState state = backend.createState();
    StepProgram full = TrainingStep.record(backend, task, data, state, batch).program();
    int rest = images % batch;
    StepProgram tail =
        rest == 0 ? null : TrainingStep.record(backend, task, data, state, rest).program();
    double setUp = seconds(begin);

    double[] micros = repeatSteps(full, state, batch, limitMillis);
    int last = micros.length - 1;
    StepProgress progress = state.read();
    double seconds = 0;
    if (epochs) {
      long start = System.nanoTime();
      for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        state.beginEpoch(EpochOrder.of(0, epoch, images));
        full.run(images / batch);
        if (tail != null) {
          tail.run(1);
        }
        progress = state.read();
      }
      seconds = seconds(start);
    }
    return new Result(
        micros.length,
        micros[last / 10],
        micros[micros.length / 2],
        micros[last - last / 10],
        seconds,
        setUp,
        progress.lossSum() / Math.max(1, progress.cursor()));
  }

  /** A teacher and a student that it distils to, on the device. */
  TrainingTask task(boolean cached, int batch) {
    Network teacher = Network.frozen(backend, Architecture.TEACHER, batch);
    teacher.load(InitialWeights.draw(Architecture.TEACHER, 1));
    Network student = Network.trainable(backend, Architecture.STUDENT, batch);
    student.load(InitialWeights.draw(Architecture.STUDENT, 2));
    TeacherSource source =
        cached
            ? new TeacherSource.Cached(
                new DatasetLogits(backend, teacher, data).compute(done -> {}))
            : new TeacherSource.Recomputed(teacher);
    return new TrainingTask(
        ModelRole.STUDENT,
        student,
        LOSS,
        source,
        new TrainingSettings(EPOCHS, batch, LEARNING_RATE, 0));
  }

  /** Returns the images. */
  ResidentDataset data() {
    return data;
  }

  /** Returns the order of an epoch. */
  int[] order() {
    return EpochOrder.of(0, 1, images);
  }

  /** Sorted microseconds a step. */
  private double[] repeatSteps(StepProgram full, StepState state, int batch, long limitMillis) {
    int steps = Math.min(STEPS_AT_A_TIME, images / batch);
    int[] order = order();
    double[] micros = new double[10_000];
    int count = -1; // the first is the warm-up
    long end = System.nanoTime() + 1_000_000 * limitMillis;
    while (count < 1 || (count < micros.length && System.nanoTime() < end)) {
      state.beginEpoch(order);
      state.read();
      long start = System.nanoTime();
      full.run(steps);
      state.read();
      if (count >= 0) {
        micros[count] = 1e6 * seconds(start) / steps;
      }
      count++;
    }
    Arrays.sort(micros, 0, count);
    return Arrays.copyOf(micros, count);
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }
}
