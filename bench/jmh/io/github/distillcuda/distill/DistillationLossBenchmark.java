package io.github.distillcuda.distill;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The distillation loss of a batch with its gradient, on the CPU. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class DistillationLossBenchmark {
  private static final int ROWS = 64;

  @Param({"10", "100", "1000"})
  public int classes;

  private float[] student;
  private float[] teacher;
  private int[] labels;

  @Setup
  public void draw() {
    SplittableRandom random = new SplittableRandom(1);
    student = logits(random);
    teacher = logits(random);
    labels = random.ints(ROWS, 0, classes).toArray();
  }

  /** Equal logits would take a way of their own through the loss. */
  private float[] logits(SplittableRandom random) {
    float[] logits = new float[ROWS * classes];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (3 * random.nextGaussian());
    }
    return logits;
  }

  @Benchmark
  public DistillationLoss.Result lossAndGradient() {
    return DistillationLoss.compute(student, teacher, labels, classes, 5, 0.7);
  }
}
