package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** cublasLt, which only Panama reaches. All functions are linked when it is created. */
final class LinkedCublasLt implements CublasLtApi {
  private final CudaFunctions cublasLt;

  /**
   * Links the library.
   *
   * @throws UnsatisfiedLinkError naming a function that the library does not export
   */
  LinkedCublasLt(CudaLinker linker, CudaLatch latch) {
    cublasLt =
        new CudaFunctions(
            CudaFunctionTables.CUBLASLT, linker, latch, LinkedCublasLt::explainedFailure);
  }

  private static NativeException explainedFailure(CudaFunctions cublasLt, String call, int status) {
    return new NativeException(
        call,
        cublasLt.get("cublasLtGetStatusName").text(status),
        status,
        cublasLt.get("cublasLtGetStatusString").text(status));
  }

  @Override
  public long cublasLtGetVersion() {
    return cublasLt.get("cublasLtGetVersion").size();
  }

  @Override
  public long cublasLtCreate() {
    return cublasLt.get("cublasLtCreate").callForLong();
  }

  @Override
  public void cublasLtDestroy(long handle) {
    cublasLt.get("cublasLtDestroy").call(handle);
  }

  @Override
  public long cublasLtMatmulDescCreate(int computeType, int scaleType) {
    return cublasLt.get("cublasLtMatmulDescCreate").callForLong(computeType, scaleType);
  }

  @Override
  public void cublasLtMatmulDescSetAttribute(long matmul, int attribute, MemorySegment value) {
    cublasLt.get("cublasLtMatmulDescSetAttribute").call(matmul, attribute, value, value.byteSize());
  }

  @Override
  public void cublasLtMatmulDescDestroy(long matmul) {
    cublasLt.get("cublasLtMatmulDescDestroy").call(matmul);
  }

  @Override
  public long cublasLtMatrixLayoutCreate(int type, long rows, long columns, long leadingDimension) {
    return cublasLt
        .get("cublasLtMatrixLayoutCreate")
        .callForLong(type, rows, columns, leadingDimension);
  }

  @Override
  public void cublasLtMatrixLayoutDestroy(long layout) {
    cublasLt.get("cublasLtMatrixLayoutDestroy").call(layout);
  }

  @Override
  public long cublasLtMatmulPreferenceCreate() {
    return cublasLt.get("cublasLtMatmulPreferenceCreate").callForLong();
  }

  @Override
  public void cublasLtMatmulPreferenceSetAttribute(
      long preference, int attribute, MemorySegment value) {
    cublasLt
        .get("cublasLtMatmulPreferenceSetAttribute")
        .call(preference, attribute, value, value.byteSize());
  }

  @Override
  public void cublasLtMatmulPreferenceDestroy(long preference) {
    cublasLt.get("cublasLtMatmulPreferenceDestroy").call(preference);
  }

  @Override
  public int cublasLtMatmulAlgoGetHeuristic(
      long handle,
      long matmul,
      long aLayout,
      long bLayout,
      long cLayout,
      long dLayout,
      long preference,
      MemorySegment results) {
    return cublasLt
        .get("cublasLtMatmulAlgoGetHeuristic")
        .callForInt(
            handle,
            matmul,
            aLayout,
            bLayout,
            cLayout,
            dLayout,
            preference,
            Math.toIntExact(results.byteSize() / CublasConstants.HEURISTIC_BYTES),
            results);
  }

  @Override
  public int cublasLtMatmulAlgoConfigGetAttribute(MemorySegment algorithm, int attribute) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      cublasLt
          .get("cublasLtMatmulAlgoConfigGetAttribute")
          .callForLong(algorithm, attribute, value, JAVA_INT.byteSize());
      return value.get(JAVA_INT, 0);
    }
  }

  @Override
  public void cublasLtMatmul(
      long handle,
      long matmul,
      float alpha,
      long a,
      long aLayout,
      long b,
      long bLayout,
      float beta,
      long c,
      long cLayout,
      long d,
      long dLayout,
      MemorySegment algorithm,
      long workspace,
      long workspaceBytes,
      long stream) {
    cublasLt
        .get("cublasLtMatmul")
        .call(
            handle,
            matmul,
            alpha,
            a,
            aLayout,
            b,
            bLayout,
            beta,
            c,
            cLayout,
            d,
            dLayout,
            algorithm,
            workspace,
            workspaceBytes,
            stream);
  }
}
