package io.github.distillcuda.ffi;

/**
 * The functions of cuBLAS that are used, under their exported names; {@code native-notes/cublas.md}
 * has the table.
 *
 * <p>Matrices are column-major: element (i, j) lies at {@code j*ld + i}, ld being the leading
 * dimension. Handles and device addresses are plain numbers. Scaling factors are floats in host
 * memory, which C reads during the call. Enumerators are in {@link CublasConstants}. Every status
 * is checked and thrown as {@link NativeException}.
 */
public interface CublasApi {
  /** Returns the version as 10000*major + 100*minor + patch; needs no handle. */
  int cublasGetVersion_v2();

  /** Creates a handle for the current context; the caller owns it. */
  long cublasCreate_v2();

  /** Destroys a handle; waits for the device. */
  void cublasDestroy_v2(long handle);

  /** Sets the stream of the calls to come, and the workspace back to the handle's own. */
  void cublasSetStream_v2(long handle, long stream);

  /**
   * Sets the device memory to compute in. Without it a captured call may allocate, and results may
   * differ between streams; so it follows every {@link #cublasSetStream_v2}.
   */
  void cublasSetWorkspace_v2(long handle, long workspace, long byteSize);

  /** Sets whether tensor cores may be used, and with which loss of precision. */
  void cublasSetMathMode(long handle, int mode);

  /** {@code C = alpha*op(A)*op(B) + beta*C}, [m, n] over k, in float32. */
  void cublasSgemm_v2(
      long handle,
      int opA,
      int opB,
      int m,
      int n,
      int k,
      float alpha,
      long a,
      int lda,
      long b,
      int ldb,
      float beta,
      long c,
      int ldc);

  /**
   * {@code C = alpha*op(A)*op(B) + beta*C} in types of choice.
   *
   * @param computeType one that scales by float32, {@code CublasConstants.CUBLAS_COMPUTE_32F*}
   */
  void cublasGemmEx(
      long handle,
      int opA,
      int opB,
      int m,
      int n,
      int k,
      float alpha,
      long a,
      int aType,
      int lda,
      long b,
      int bType,
      int ldb,
      float beta,
      long c,
      int cType,
      int ldc,
      int computeType,
      int algorithm);
}
