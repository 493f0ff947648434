package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Measurements as a C compiler lays them out. */
class CudnnPerformanceTest {
  private static final String FIND =
      """
      struct performance {
        int algo, status; float time; size_t memory; int determinism, mathType, reserved[3];
      };
      int cudnnFindConvolutionForwardAlgorithmEx(void* handle, void* xDesc, void* x, void* wDesc,
          void* w, void* convDesc, void* yDesc, void* y, int requested, int* returned,
          struct performance* results, void* workSpace, size_t bytes) {
        struct performance first = { 7, 0, 0.25f, 5000000000, 1, 3 };
        struct performance second = { 2, 3000, -1.0f, 16, 0, 1 };
        results[0] = first;
        results[1] = second;
        *returned = requested < 2 ? requested : 2;
        return 0;
      }
      """;

  @TempDir Path folder;

  @Test
  void measurementsAreRead() throws Exception {
    CudaStub stub =
        CudaStub.compile(
            folder.resolve("cudnn.so"),
            CudaStub.echo(CudaFunctionTables.CUDNN, "cudnnFindConvolutionForwardAlgorithmEx")
                + FIND);
    CudnnApi cudnn = new LinkedCudnn(CudaLinker.panama(stub.library()), new CudaLatch());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment results = arena.allocate(5 * CudnnPerformance.BYTES, 8);
      int count =
          cudnn.cudnnFindConvolutionForwardAlgorithmEx(1, 2, 3, 4, 5, 6, 7, 8, results, 9, 10);
      assertThat(CudnnPerformance.read(results, count))
          .containsExactly(
              new CudnnPerformance(7, 0, 0.25f, 5_000_000_000L, true, 3),
              new CudnnPerformance(2, 3000, -1, 16, false, 1));
    }
  }
}
