package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.data.EpochOrder;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import io.github.distillcuda.nn.Network;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Where the time of the recomputed distillation step goes on the CPU: each of its operations, in
 * order, with the least and the median of its times. An operation runs between its neighbours as it
 * does in training, so it finds in the caches what they left there.
 */
public final class StepStages {
  private static final int BATCH = 64;
  private static final int STEPS_AN_EPOCH = 16;
  private static final int WARM_UP = 200;

  private StepStages() {}

  /**
   * Prints a table.
   *
   * @param arguments fp32 or bf16, the number of steps, and of threads: fp32, 300 and all by
   *     default. On a shared machine one thread is the honest number: two wait for each other.
   */
  public static void main(String[] arguments) {
    String precision = arguments.length > 0 ? arguments[0] : "fp32";
    int steps = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 300;
    int threads = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 0;
    BackendOptions options =
        new BackendOptions(
            threads,
            true,
            Kernels.FUSED,
            Layers.CUDNN,
            Precision.valueOf(precision.toUpperCase(Locale.ROOT)),
            Engine.AUTO);
    try (Backend backend = new OnednnBackend(options)) {
      System.out.println(backend.info().device() + ", " + precision);
      print(backend, steps);
    }
  }

  private static void print(Backend backend, int steps) {
    StepState state = backend.createState();
    List<Operation> operations = record(backend, state);
    long[][] nanoseconds = new long[operations.size() + 1][steps];
    int[] order = EpochOrder.of(0, 1, BATCH * STEPS_AN_EPOCH);
    for (int step = 0; step < WARM_UP + steps; step++) {
      if (step % STEPS_AN_EPOCH == 0) {
        state.beginEpoch(order);
      }
      int sample = Math.max(0, step - WARM_UP);
      long begin = System.nanoTime();
      long before = begin;
      for (int i = 0; i < operations.size(); i++) {
        operations.get(i).run();
        long after = System.nanoTime();
        nanoseconds[i][sample] = after - before;
        before = after;
      }
      nanoseconds[operations.size()][sample] = before - begin;
    }
    System.out.println("least, us   median, us   operation");
    for (int i = 0; i <= operations.size(); i++) {
      Arrays.sort(nanoseconds[i]);
      System.out.printf(
          Locale.ROOT,
          "%9.1f   %10.1f   %s%n",
          nanoseconds[i][0] / 1e3,
          nanoseconds[i][steps / 2] / 1e3,
          i < operations.size() ? operations.get(i).name() : "whole step");
    }
  }

  private static List<Operation> record(Backend backend, StepState state) {
    SplittableRandom random = new SplittableRandom(0);
    byte[] images = new byte[BATCH * STEPS_AN_EPOCH * Architecture.IMAGE.elements()];
    random.nextBytes(images);
    ResidentDataset data =
        backend.upload(Architecture.IMAGE, images, new byte[BATCH * STEPS_AN_EPOCH]);
    Network teacher = Network.frozen(backend, Architecture.TEACHER, BATCH);
    teacher.load(InitialWeights.draw(Architecture.TEACHER, 1));
    Network student = Network.trainable(backend, Architecture.STUDENT, BATCH);
    student.load(InitialWeights.draw(Architecture.STUDENT, 2));
    StepRecorder step = backend.record(BATCH);
    Batch batch = step.gather(data, state, null);
    List<LayerPass> teacherPasses = teacher.forward(step, batch.images(), false);
    List<LayerPass> passes = student.forward(step, batch.images(), true);
    student.backward(
        step,
        passes,
        step.loss(
            new LossSpec(5, 0.7),
            Network.logits(passes),
            Network.logits(teacherPasses),
            batch,
            state));
    student.adam(step, AdamSpec.withLearningRate(1e-3), state);
    step.advance(state);
    return ((OnednnProgram) step.build()).operations();
  }
}
