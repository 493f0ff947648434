package io.github.distillcuda.ffi;

/** cuBLAS through either binding. All functions are linked when it is created. */
final class LinkedCublas implements CublasApi {
  private final CudaFunctions cublas;

  /**
   * Links the library.
   *
   * @throws UnsatisfiedLinkError naming a function that the library does not export
   */
  LinkedCublas(CudaLinker linker, CudaLatch latch) {
    cublas =
        new CudaFunctions(CudaFunctionTables.CUBLAS, linker, latch, LinkedCublas::explainedFailure);
  }

  private static NativeException explainedFailure(CudaFunctions cublas, String call, int status) {
    return new NativeException(
        call,
        cublas.get("cublasGetStatusName").text(status),
        status,
        cublas.get("cublasGetStatusString").text(status));
  }

  @Override
  public int cublasGetVersion_v2() {
    return cublas.get("cublasGetVersion_v2").callForInt(0L);
  }

  @Override
  public long cublasCreate_v2() {
    return cublas.get("cublasCreate_v2").callForLong();
  }

  @Override
  public void cublasDestroy_v2(long handle) {
    cublas.get("cublasDestroy_v2").call(handle);
  }

  @Override
  public void cublasSetStream_v2(long handle, long stream) {
    cublas.get("cublasSetStream_v2").call(handle, stream);
  }

  @Override
  public void cublasSetWorkspace_v2(long handle, long workspace, long byteSize) {
    cublas.get("cublasSetWorkspace_v2").call(handle, workspace, byteSize);
  }

  @Override
  public void cublasSetMathMode(long handle, int mode) {
    cublas.get("cublasSetMathMode").call(handle, mode);
  }

  @Override
  public void cublasSgemm_v2(
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
      int ldc) {
    cublas
        .get("cublasSgemm_v2")
        .call(handle, opA, opB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }

  @Override
  public void cublasGemmEx(
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
      int algorithm) {
    cublas
        .get("cublasGemmEx")
        .call(
            handle,
            opA,
            opB,
            m,
            n,
            k,
            alpha,
            a,
            aType,
            lda,
            b,
            bType,
            ldb,
            beta,
            c,
            cType,
            ldc,
            computeType,
            algorithm);
  }
}
