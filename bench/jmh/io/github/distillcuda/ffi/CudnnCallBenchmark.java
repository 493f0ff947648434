package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What a call into cuDNN costs through Panama and through JNI, measured with functions that need no
 * GPU.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CudnnCallBenchmark {
  @Param public CudaBinding binding;

  private CudnnApi cudnn;
  private long tensor;

  /** Returns why this machine cannot run it. */
  public static Optional<String> missing() {
    try {
      for (CudaBinding binding : CudaBinding.values()) {
        new CudaLibraries(binding).cudnn();
      }
      return Optional.empty();
    } catch (DistillException absent) {
      return Optional.of(absent.getMessage() + CudaTestLibraries.HOW_TO);
    }
  }

  @Setup
  public void open() {
    cudnn = new CudaLibraries(binding).cudnn();
    tensor = cudnn.cudnnCreateTensorDescriptor();
  }

  @TearDown
  public void close() {
    cudnn.cudnnDestroyTensorDescriptor(tensor);
  }

  /** No arguments, no status: the crossing itself. */
  @Benchmark
  public long cudnnGetVersion() {
    return cudnn.cudnnGetVersion();
  }

  /** Seven arguments, and a status that is checked. */
  @Benchmark
  public void cudnnSetTensor4dDescriptor() {
    cudnn.cudnnSetTensor4dDescriptor(
        tensor, CudnnConstants.CUDNN_TENSOR_NCHW, CudnnConstants.CUDNN_DATA_FLOAT, 64, 32, 16, 16);
  }
}
