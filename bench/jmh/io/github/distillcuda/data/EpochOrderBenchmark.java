package io.github.distillcuda.data;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The permutation of CIFAR-10's training images that every epoch begins with. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class EpochOrderBenchmark {
  private int epoch;

  @Benchmark
  public int[] permutation() {
    return EpochOrder.of(42, epoch++ & 1023, 50_000);
  }
}
