package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasConstants;
import java.util.Set;

/** cuBLAS on an emulated device: products in float32 and bfloat16, with sums in float64. */
public final class EmulatedCublas extends EmulatedLibrary implements CublasApi {
  private static final int WORKSPACE_ALIGNMENT = 256;

  private static final class Handle {
    private long stream;
    private long workspace;
    private long workspaceBytes;
    private int mathMode = CublasConstants.CUBLAS_DEFAULT_MATH;
  }

  private EmulatedCublas(EmulatedDevice device) {
    super(device, LibraryStatuses.CUBLAS);
  }

  /** Returns cuBLAS on a device. */
  public static CublasApi on(EmulatedDevice device) {
    return new EmulatedCublas(device).logging(CublasApi.class, Set.of());
  }

  private Handle handle(long handle) {
    return require(Handle.class, handle, CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED);
  }

  @Override
  public int cublasGetVersion_v2() {
    return 130_101;
  }

  @Override
  public long cublasCreate_v2() {
    requireNotRecording("a new handle");
    return open("cublas", new Handle());
  }

  @Override
  public void cublasDestroy_v2(long handle) {
    end(Handle.class, CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED, handle);
    requireNotRecording("the end of a handle");
    device().synchronize();
  }

  @Override
  public void cublasSetStream_v2(long handle, long stream) {
    Handle state = handle(handle);
    state.stream = stream;
    state.workspace = 0;
    state.workspaceBytes = 0;
  }

  @Override
  public void cublasSetWorkspace_v2(long handle, long workspace, long byteSize) {
    requireValid(workspace % WORKSPACE_ALIGNMENT == 0, "a workspace that is not aligned to 256");
    Handle state = handle(handle);
    state.workspace = workspace;
    state.workspaceBytes = byteSize;
  }

  @Override
  public void cublasSetMathMode(long handle, int mode) {
    emulated(
        mode == CublasConstants.CUBLAS_DEFAULT_MATH
            || mode == CublasConstants.CUBLAS_PEDANTIC_MATH
            || mode == CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH
            || mode == CublasConstants.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION,
        () -> "this mode");
    handle(handle).mathMode = mode;
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
    int type = CublasConstants.CUDA_R_32F;
    cublasGemmEx(
        handle,
        opA,
        opB,
        m,
        n,
        k,
        alpha,
        a,
        type,
        lda,
        b,
        type,
        ldb,
        beta,
        c,
        type,
        ldc,
        CublasConstants.CUBLAS_COMPUTE_32F,
        CublasConstants.CUBLAS_GEMM_DEFAULT);
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
    Handle state = handle(handle);
    emulated(algorithm == CublasConstants.CUBLAS_GEMM_DEFAULT, () -> "this algorithm");
    boolean single = aType == CublasConstants.CUDA_R_32F && cType == CublasConstants.CUDA_R_32F;
    boolean tf32 =
        switch (computeType) {
          case CublasConstants.CUBLAS_COMPUTE_32F ->
              single && state.mathMode == CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH;
          case CublasConstants.CUBLAS_COMPUTE_32F_PEDANTIC -> false;
          case CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32 -> true;
          default -> throw notEmulated("this compute type");
        };
    requireSupported(
        aType == bType && (single || aType == CublasConstants.CUDA_R_16BF) && (!tf32 || single),
        "no such combination of types");
    boolean transposeA = transposes(opA);
    boolean transposeB = transposes(opB);
    requireValid(m >= 0 && n >= 0 && k >= 0, "a negative extent");
    Matrix left = matrix(a, aType, transposeA ? k : m, transposeA ? m : k, lda);
    Matrix right = matrix(b, bType, transposeB ? n : k, transposeB ? k : n, ldb);
    Matrix result = matrix(c, cType, m, n, ldc);
    submit(
        state,
        () -> {
          double[] sums = Matrix.product(left, transposeA, right, transposeB, tf32 && hasTf32());
          result.write(alpha, sums, beta);
        });
  }

  private boolean transposes(int op) {
    emulated(op == CublasConstants.CUBLAS_OP_N || op == CublasConstants.CUBLAS_OP_T, () -> "op");
    return op == CublasConstants.CUBLAS_OP_T;
  }

  private Matrix matrix(long address, int cudaType, int rows, int columns, int ld) {
    ElementType type =
        ElementType.ofCuda(cudaType).orElseThrow(() -> notEmulated("type " + cudaType));
    requireValid(ld >= Math.max(1, rows), "a leading dimension is too small");
    return new Matrix(arrays(), address, type, rows, columns, ld);
  }

  private void submit(Handle handle, Runnable body) {
    emulated(
        handle.workspaceBytes > 0 || !device().isCapturing(),
        () -> "a recording without cublasSetWorkspace_v2, in which the library may allocate");
    submit(handle.stream, handle.workspace, handle.workspaceBytes, body);
  }
}
