package io.github.distillcuda.cuda;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.cuda.CudaDistillationLoss.Batch;
import io.github.distillcuda.cuda.CudaDistillationLoss.RowTerms;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import java.util.Optional;
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
 * The library's loss with its gradient on a GPU, 64 rows, as a loop in Java gets it: launched one
 * by one, and waited for once a batch of launches. What a launch costs without the host, {@code
 * bench/run-gpu.sh kernels} measures in a graph.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CudaDistillationLossBenchmark {
  static final int LAUNCHES = 256;
  private static final int ROWS = 64;

  @Param({"10", "100", "1000"})
  public int classes;

  private final DeviceScope scope = new DeviceScope();
  private CudaStream stream;
  private CudaDistillationLoss loss;
  private Batch batch;
  private DeviceBuffer terms;
  private DeviceBuffer gradient;

  /** Returns why this machine cannot run it. */
  public static Optional<String> missing() {
    try {
      new Backends().requirePresent(new DeviceRequest.Cuda(0), BackendOptions.DEFAULT);
      return Optional.empty();
    } catch (DistillException e) {
      return Optional.of(e.getMessage());
    }
  }

  @Setup
  public void prepare() {
    prepare(new CudaLibraries().driver());
  }

  /** Zeros are logits as good as any: no row takes another way for them. */
  void prepare(CudaDriverApi driver) {
    CudaContext context = scope.own(CudaContext.open(driver, 0));
    stream = scope.own(CudaStream.create(context, "loss"));
    loss = scope.own(CudaDistillationLoss.prepare(context, ElementType.FLOAT32, classes));
    batch =
        new Batch(
            ROWS,
            zeros(context, "student", loss.logitsBytes(ROWS)),
            zeros(context, "teacher", loss.logitsBytes(ROWS)),
            zeros(context, "labels", (long) ROWS * Integer.BYTES));
    terms = zeros(context, "terms", (long) ROWS * RowTerms.ROW_BYTES);
    gradient = zeros(context, "gradient", loss.logitsBytes(ROWS));
    stream.synchronize();
  }

  private DeviceBuffer zeros(CudaContext context, String name, long byteSize) {
    DeviceBuffer buffer = scope.own(context.memory().allocate(name, byteSize));
    stream.clear(buffer);
    return buffer;
  }

  @TearDown
  public void close() {
    scope.close();
  }

  @Benchmark
  @OperationsPerInvocation(LAUNCHES)
  public void lossAndGradient() {
    for (int i = 0; i < LAUNCHES; i++) {
      loss.launch(batch, 5, 0.7, RowTerms.in(terms, ROWS), gradient, stream);
    }
    stream.synchronize();
  }
}
