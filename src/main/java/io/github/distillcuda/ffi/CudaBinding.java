package io.github.distillcuda.ffi;

/** How NVIDIA's libraries are called; {@code native-notes/jcuda.md} compares the two. */
public enum CudaBinding {
  /** {@code java.lang.foreign}: every function, with the libraries of CUDA 12 or 13. */
  PANAMA,

  /** JCuda 12.6: the driver, cuDNN 9, and cuBLAS where that is the one of CUDA 12; no cublasLt. */
  JCUDA
}
