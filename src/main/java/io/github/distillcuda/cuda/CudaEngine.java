package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import io.github.distillcuda.ffi.CudnnApi;

/**
 * The four libraries that a program computes with, however they are reached. All pass the same
 * latch, the driver's.
 *
 * @param name how they are reached: {@code panama} or {@code jcuda}
 * @param driver the driver, initialised
 * @param cudnn cuDNN 9
 * @param cublas cuBLAS
 * @param cublasLt cublasLt; null where it is not reached, and plain cuBLAS takes its place
 */
public record CudaEngine(
    String name, CudaDriverApi driver, CudnnApi cudnn, CublasApi cublas, CublasLtApi cublasLt) {
  /**
   * Links the libraries of this system through Panama.
   *
   * @throws io.github.distillcuda.failure.DistillException DEVICE with what is missing and what to
   *     install
   */
  public static CudaEngine panama(CudaLibraries libraries) {
    return new CudaEngine(
        "panama", libraries.driver(), libraries.cudnn(), libraries.cublas(), libraries.cublasLt());
  }

  /**
   * Links the libraries of this system through JCuda, which has no cublasLt.
   *
   * @param libraries those of {@code CudaBinding.JCUDA}, whose notices the user should see
   * @throws io.github.distillcuda.failure.DistillException DEVICE with what is missing and what to
   *     install
   */
  public static CudaEngine jcuda(CudaLibraries libraries) {
    return new CudaEngine("jcuda", libraries.driver(), libraries.cudnn(), libraries.cublas(), null);
  }

  /** Returns the versions of the libraries, on which the bits of a result depend. */
  public String versions() {
    return "cuDNN %s, cuBLAS %s"
        .formatted(version(cudnn.cudnnGetVersion()), version(cublas.cublasGetVersion_v2()));
  }

  /** Formats 10000*major + 100*minor + patch. */
  static String version(long number) {
    return "%d.%d.%d".formatted(number / 10_000, number / 100 % 100, number % 100);
  }
}
