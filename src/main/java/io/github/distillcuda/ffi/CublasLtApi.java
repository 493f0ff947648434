package io.github.distillcuda.ffi;

import java.lang.foreign.MemorySegment;

/**
 * The functions of cublasLt that are used, under their C names; {@code native-notes/cublas.md} has
 * the table. It multiplies matrices like {@link CublasApi}, with what neural networks do next to
 * the product (an epilogue), and lets the caller choose the algorithm.
 *
 * <p>Handles, descriptors and device addresses are plain numbers; 0 stands for NULL. Algorithms and
 * attributes are host memory, laid out as {@link CublasConstants} says. Every status is checked and
 * thrown as {@link NativeException}.
 */
public interface CublasLtApi {
  /** Returns the version as 10000*major + 100*minor + patch. */
  long cublasLtGetVersion();

  /** Creates a handle for the current context; the caller owns it. */
  long cublasLtCreate();

  /** Destroys a handle. */
  void cublasLtDestroy(long handle);

  /** Creates the description of a product; the caller owns it. Needs no GPU. */
  long cublasLtMatmulDescCreate(int computeType, int scaleType);

  /** Sets one of {@code CublasConstants.CUBLASLT_MATMUL_DESC_*} to the value in the segment. */
  void cublasLtMatmulDescSetAttribute(long matmul, int attribute, MemorySegment value);

  /** Destroys a description. */
  void cublasLtMatmulDescDestroy(long matmul);

  /** Creates the layout of a column-major matrix; the caller owns it. Needs no GPU. */
  long cublasLtMatrixLayoutCreate(int type, long rows, long columns, long leadingDimension);

  /** Destroys a layout. */
  void cublasLtMatrixLayoutDestroy(long layout);

  /** Creates the preferences of a search; the caller owns them. Needs no GPU. */
  long cublasLtMatmulPreferenceCreate();

  /** Sets one of {@code CublasConstants.CUBLASLT_MATMUL_PREF_*} to the value in the segment. */
  void cublasLtMatmulPreferenceSetAttribute(long preference, int attribute, MemorySegment value);

  /** Destroys preferences. */
  void cublasLtMatmulPreferenceDestroy(long preference);

  /**
   * Searches algorithms for a product, the expectedly fastest first.
   *
   * @param results receives {@link CublasConstants#HEURISTIC_BYTES} each
   * @return how many it received
   */
  int cublasLtMatmulAlgoGetHeuristic(
      long handle,
      long matmul,
      long aLayout,
      long bLayout,
      long cLayout,
      long dLayout,
      long preference,
      MemorySegment results);

  /** Reads one of {@code CublasConstants.CUBLASLT_ALGO_CONFIG_*}, a number of 32 bits. */
  int cublasLtMatmulAlgoConfigGetAttribute(MemorySegment algorithm, int attribute);

  /** {@code D = epilogue(alpha*op(A)*op(B) + beta*C)}; D may be C. */
  void cublasLtMatmul(
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
      long stream);
}
