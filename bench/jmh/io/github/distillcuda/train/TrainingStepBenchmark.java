package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
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
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The whole distillation step of the published networks, gather to Adam, at batch 64: an epoch of
 * it at a time, as training runs it, and its sums read once, for which the host waits.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class TrainingStepBenchmark {
  private static final int BATCH = 64;
  private static final int STEPS = 16;
  private static final int IMAGES = BATCH * STEPS;

  @Param({"cpu", "cuda"})
  public String device;

  @Param({"cached", "recomputed"})
  public String teacherLogits;

  private Backend backend;
  private StepState state;
  private StepProgram step;
  private int[] order;

  /** The backend belongs to the thread that opens it, which is the one that measures. */
  @Setup
  public void record() {
    backend =
        new Backends().select(DeviceRequest.parse(device), BackendOptions.DEFAULT, note -> {});
    SplittableRandom random = new SplittableRandom(0);
    byte[] images = new byte[IMAGES * Architecture.IMAGE.elements()];
    random.nextBytes(images);
    byte[] labels = new byte[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
      labels[i] = (byte) random.nextInt(Architecture.CIFAR10_CLASSES);
    }
    ResidentDataset data = backend.upload(Architecture.IMAGE, images, labels);
    Network teacher = Network.frozen(backend, Architecture.TEACHER, BATCH);
    teacher.load(InitialWeights.draw(Architecture.TEACHER, 1));
    Network student = Network.trainable(backend, Architecture.STUDENT, BATCH);
    student.load(InitialWeights.draw(Architecture.STUDENT, 2));
    TeacherSource source =
        teacherLogits.equals("cached")
            ? new TeacherSource.Cached(
                new DatasetLogits(backend, teacher, data).compute(done -> {}))
            : new TeacherSource.Recomputed(teacher);
    TrainingTask task =
        new TrainingTask(
            ModelRole.STUDENT,
            student,
            new LossSpec(5, 0.7),
            source,
            new TrainingSettings(1, BATCH, 1e-3, 0));
    state = backend.createState();
    step = TrainingStep.record(backend, task, data, state, BATCH).program();
    order = EpochOrder.of(0, 1, IMAGES);
  }

  @TearDown
  public void close() {
    backend.close();
  }

  @Benchmark
  @OperationsPerInvocation(STEPS)
  public StepProgress distillation() {
    state.beginEpoch(order);
    step.run(STEPS);
    return state.read();
  }
}
