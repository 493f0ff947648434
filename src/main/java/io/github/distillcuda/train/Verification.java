package io.github.distillcuda.train;

import com.google.gson.Gson;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Compares a device with numbers that PyTorch computed in float64: the distillation loss alone, and
 * twenty steps of distillation between small networks. {@code src/test/python/make_verification.py}
 * made the numbers, and codes the same images and weights.
 */
public final class Verification {
  private static final Architecture TEACHER = new Architecture(8, 12, 16, 10);
  private static final Architecture STUDENT = new Architecture(4, 6, 8, 10);
  private static final int IMAGES = 96;
  private static final int BATCH = 16;

  /**
   * One comparison.
   *
   * @param name what was compared
   * @param largestError the largest relative error
   * @param allowed what it may be
   */
  public record Check(String name, double largestError, double allowed) {
    /** Returns whether the error is allowed; a NaN is not. */
    public boolean passed() {
      return largestError <= allowed;
    }
  }

  private record LossCase(
      double temperature,
      double alpha,
      int classes,
      float[] student,
      float[] teacher,
      int[] labels,
      double distillation,
      double crossEntropy,
      double[] gradient) {}

  private record Trajectory(double[] losses, double[] fc2Bias) {}

  private record Expected(String torch, List<LossCase> losses, Trajectory trajectory) {}

  private Verification() {}

  /** Runs all comparisons on a backend. */
  public static List<Check> run(Backend backend) {
    Expected expected = expected();
    List<Check> checks = new ArrayList<>();
    for (LossCase loss : expected.losses()) {
      checks.addAll(loss(backend, loss));
    }
    checks.addAll(trajectory(backend, expected.trajectory()));
    return checks;
  }

  private static Expected expected() {
    try (Reader json =
        new InputStreamReader(
            Verification.class.getResourceAsStream("verification.json"), StandardCharsets.UTF_8)) {
      return new Gson().fromJson(json, Expected.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Terms and gradient are float32 results of a dozen roundings each: 1e-5 leaves room for them.
   */
  private static List<Check> loss(Backend backend, LossCase c) {
    int rows = c.labels().length;
    Shape pixel = Shape.of(1, 1, 1);
    byte[] labels = new byte[rows];
    IntStream.range(0, rows).forEach(i -> labels[i] = (byte) c.labels()[i]);
    ResidentDataset data = backend.upload(pixel, new byte[rows], labels);
    StepState state = backend.createState();
    Tensor z = backend.createTensor("student logits", Shape.of(rows, c.classes()));
    Tensor v = backend.createTensor("teacher logits", Shape.of(rows, c.classes()));
    z.write(c.student());
    v.write(c.teacher());
    StepRecorder step = backend.record(rows);
    Batch batch = step.gather(data, state, null);
    LossSpec spec = new LossSpec(c.temperature(), c.alpha());
    Tensor gradient = step.loss(spec, z, spec.readsTeacher() ? v : null, batch, state);
    step.advance(state);
    StepProgram program = step.build();
    state.beginEpoch(IntStream.range(0, rows).toArray());
    program.run(1);
    StepProgress sums = state.read();
    double[] dz = new double[rows * c.classes()];
    gradient.read(dz);
    String name =
        "loss, %d classes, T=%s, alpha=%s: ".formatted(c.classes(), c.temperature(), c.alpha());
    double terms =
        Math.max(
            relativeError(sums.distillationSum() / rows, c.distillation()),
            relativeError(sums.crossEntropySum() / rows, c.crossEntropy()));
    return List.of(
        new Check(name + "terms", terms, 1e-5),
        new Check(name + "gradient", relativeError(dz, c.gradient()), 1e-5));
  }

  /**
   * Rounding differences grow as a training goes on: PyTorch differs from itself by 3e-5 over 20
   * steps between layouts and thread counts, so 1e-4 is what float32 allows.
   */
  private static List<Check> trajectory(Backend backend, Trajectory expected) {
    byte[] images = new byte[IMAGES * Architecture.IMAGE.elements()];
    for (int i = 0; i < images.length; i++) {
      images[i] = (byte) (hash(1, i) >>> 56);
    }
    byte[] labels = new byte[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
      labels[i] = (byte) Long.remainderUnsigned(hash(2, i), 10);
    }
    ResidentDataset data = backend.upload(Architecture.IMAGE, images, labels);
    Network teacher = Network.frozen(backend, TEACHER, BATCH);
    teacher.load(weights(TEACHER, 3, 3));
    Network student = Network.trainable(backend, STUDENT, BATCH);
    student.load(weights(STUDENT, 4, 1));
    TrainingTask task =
        new TrainingTask(
            "student",
            student,
            new LossSpec(5, 0.7),
            new TeacherSource.Cached(new DatasetLogits(backend, teacher, data).compute(done -> {})),
            new TrainingSettings(1, BATCH, 1e-3, 0));
    StepState state = backend.createState();
    StepProgram program = TrainingStep.record(backend, task, data, state, BATCH);
    double[] losses = new double[expected.losses().length];
    double before = 0;
    for (int step = 0; step < losses.length; step++) {
      if (step % (IMAGES / BATCH) == 0) {
        StepProgress counted = state.read();
        state.beginEpoch(IntStream.range(0, IMAGES).toArray());
        state.restore(new StepProgress(0, counted.optimizerStep(), 0, 0, 0, 0, 0, 0));
        before = 0;
      }
      program.run(1);
      double sum = state.read().lossSum();
      losses[step] = (sum - before) / BATCH;
      before = sum;
    }
    double[] fc2Bias = new double[expected.fc2Bias().length];
    student.parameters().values().getLast().read(fc2Bias);
    return List.of(
        new Check(
            "20 steps of distillation: losses",
            relativeError(losses, expected.losses()),
            1e-4 * coarseness(backend)),
        new Check(
            "20 steps of distillation: fc2.bias",
            relativeError(fc2Bias, expected.fc2Bias()),
            1e-3 * coarseness(backend)));
  }

  /**
   * Returns how much coarser than float32 a training may be. Inputs of products keep 10 bits in
   * tf32 and 7 in bf16, instead of 23; errors of that size, 5e-4 and 4e-3, mostly average out in
   * sums.
   */
  private static double coarseness(Backend backend) {
    return switch (backend.info().precision()) {
      case "tf32" -> 50;
      case "bf16" -> 400;
      default -> 1;
    };
  }

  /** Weights float32((2u - 1) * gain / sqrt(fanIn)), u drawn over all parameters in order. */
  private static List<NamedArray> weights(Architecture architecture, long seed, double gain) {
    List<NamedArray> arrays = new ArrayList<>();
    int drawn = 0;
    double bound = 0;
    for (Map.Entry<String, Shape> parameter : architecture.stateDict().entrySet()) {
      Shape shape = parameter.getValue();
      if (shape.rank() > 1) {
        bound = gain / Math.sqrt((double) shape.elements() / shape.extent(0));
      }
      float[] values = new float[shape.elements()];
      for (int i = 0; i < values.length; i++) {
        double u = (hash(seed, drawn++) >>> 40) / (double) (1 << 24);
        values[i] = (float) ((2 * u - 1) * bound);
      }
      arrays.add(new NamedArray(parameter.getKey(), shape, values));
    }
    return arrays;
  }

  /** SplitMix64's finaliser of seed * golden ratio + index. */
  private static long hash(long seed, long index) {
    long x = seed * 0x9E3779B97F4A7C15L + index;
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }

  private static double relativeError(double actual, double expected) {
    double error = Math.abs(actual - expected);
    return expected == 0 ? error : error / Math.abs(expected);
  }

  /** Returns the largest absolute error over the largest expected value. */
  private static double relativeError(double[] actual, double[] expected) {
    double largest = 0;
    double error = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      double difference = Math.abs(actual[i] - expected[i]);
      error = difference > error || Double.isNaN(difference) ? difference : error;
    }
    return error / largest;
  }
}
