package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.DeviceWork;
import io.github.distillcuda.emulator.device.EmulatedApi;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.Matrices.Layout;
import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasConstants;

/** cuBLAS on an emulated device: products in float32 and bfloat16, with sums in float64. */
public final class EmulatedCublas extends EmulatedApi implements CublasApi {
  private static final int WORKSPACE_ALIGNMENT = 256;

  private static final class Handle {
    private long stream;
    private long workspace;
    private long workspaceBytes;
    private int mathMode = CublasConstants.CUBLAS_DEFAULT_MATH;
  }

  private final DeviceArrays arrays;
  private final Matrices matrices;

  public EmulatedCublas(EmulatedDevice device) {
    super(device);
    arrays = new DeviceArrays(device.memory());
    matrices = new Matrices(arrays);
  }

  @Override
  protected RuntimeException failure(String call, int status, String reason) {
    return CublasStatus.failure(call, status, reason);
  }

  @Override
  protected int statusOf(int driverResult) {
    return CublasStatus.of(driverResult);
  }

  private void requireValue(boolean holds, String reason) {
    require(holds, CublasConstants.CUBLAS_STATUS_INVALID_VALUE, reason);
  }

  private Handle handle(long handle) {
    return require(Handle.class, handle, CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED);
  }

  @Override
  public int cublasGetVersion_v2() {
    call("cublasGetVersion_v2");
    return 130_101;
  }

  @Override
  public long cublasCreate_v2() {
    call("cublasCreate_v2");
    require(
        device().hasContext(), CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED, "no current context");
    emulated(!device().isCapturing(), () -> "a new handle while this thread records");
    return device().add("cublas", new Handle());
  }

  @Override
  public void cublasDestroy_v2(long handle) {
    callToEnd(
        Handle.class, CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED, "cublasDestroy_v2", handle);
    emulated(!device().isCapturing(), () -> "the end of a handle while this thread records");
    device().synchronize();
  }

  @Override
  public void cublasSetStream_v2(long handle, long stream) {
    call("cublasSetStream_v2", handle, stream);
    Handle state = handle(handle);
    state.stream = stream;
    state.workspace = 0;
    state.workspaceBytes = 0;
  }

  @Override
  public void cublasSetWorkspace_v2(long handle, long workspace, long byteSize) {
    call("cublasSetWorkspace_v2", handle, workspace, byteSize);
    requireValue(workspace % WORKSPACE_ALIGNMENT == 0, "a workspace that is not aligned to 256");
    Handle state = handle(handle);
    state.workspace = workspace;
    state.workspaceBytes = byteSize;
  }

  @Override
  public void cublasSetMathMode(long handle, int mode) {
    call("cublasSetMathMode", handle, mode);
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
    call("cublasSgemm_v2", handle, opA, opB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    Handle state = handle(handle);
    boolean tf32 = state.mathMode == CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH;
    ElementType type = ElementType.FLOAT32;
    gemm(state, opA, opB, m, n, k, alpha, a, type, lda, b, type, ldb, beta, c, type, ldc, tf32);
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
    call(
        "cublasGemmEx",
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
    require(
        aType == bType && (single || aType == CublasConstants.CUDA_R_16BF) && (!tf32 || single),
        CublasConstants.CUBLAS_STATUS_NOT_SUPPORTED,
        "no such combination of types");
    gemm(
        state,
        opA,
        opB,
        m,
        n,
        k,
        alpha,
        a,
        type(aType),
        lda,
        b,
        type(bType),
        ldb,
        beta,
        c,
        type(cType),
        ldc,
        tf32);
  }

  private ElementType type(int cudaType) {
    return switch (cudaType) {
      case CublasConstants.CUDA_R_32F -> ElementType.FLOAT32;
      case CublasConstants.CUDA_R_16BF -> ElementType.BFLOAT16;
      default -> throw notEmulated("type " + cudaType);
    };
  }

  private boolean transposes(int op) {
    emulated(op == CublasConstants.CUBLAS_OP_N || op == CublasConstants.CUBLAS_OP_T, () -> "op");
    return op == CublasConstants.CUBLAS_OP_T;
  }

  private void gemm(
      Handle handle,
      int opA,
      int opB,
      int m,
      int n,
      int k,
      float alpha,
      long a,
      ElementType aType,
      int lda,
      long b,
      ElementType bType,
      int ldb,
      float beta,
      long c,
      ElementType cType,
      int ldc,
      boolean tf32) {
    boolean transposeA = transposes(opA);
    boolean transposeB = transposes(opB);
    requireValue(m >= 0 && n >= 0 && k >= 0, "a negative extent");
    Layout left = new Layout(a, aType, transposeA ? k : m, transposeA ? m : k, lda);
    Layout right = new Layout(b, bType, transposeB ? n : k, transposeB ? k : n, ldb);
    Layout result = new Layout(c, cType, m, n, ldc);
    for (Layout matrix : new Layout[] {left, right, result}) {
      requireValue(matrix.ld() >= Math.max(1, matrix.rows()), "a leading dimension is too small");
    }
    submit(
        handle,
        () -> {
          double[] sums = matrices.product(left, transposeA, right, transposeB, rounds(tf32));
          matrices.write(result, matrices.combine(alpha, sums, beta, result));
        });
  }

  private boolean rounds(boolean tf32) {
    return tf32 && device().computeCapability() >= 80;
  }

  @Override
  public void cublasSgemv_v2(
      long handle,
      int op,
      int m,
      int n,
      float alpha,
      long a,
      int lda,
      long x,
      int incx,
      float beta,
      long y,
      int incy) {
    call("cublasSgemv_v2", handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
    Handle state = handle(handle);
    boolean transpose = transposes(op);
    requireValue(m >= 0 && n >= 0, "a negative extent");
    requireValue(lda >= Math.max(1, m), "the leading dimension is too small");
    requireValue(incx != 0 && incy != 0, "an increment of 0");
    emulated(incx > 0 && incy > 0, () -> "a negative increment");
    // Vectors are matrices of one row, whose leading dimension is the increment.
    Layout matrix = new Layout(a, ElementType.FLOAT32, m, n, lda);
    Layout in = new Layout(x, ElementType.FLOAT32, 1, transpose ? m : n, incx);
    Layout out = new Layout(y, ElementType.FLOAT32, 1, transpose ? n : m, incy);
    submit(
        state,
        () -> {
          double[] sums = matrices.product(matrix, transpose, in, true, false);
          matrices.write(out, matrices.combine(alpha, sums, beta, out));
        });
  }

  /** Does work in the handle's stream; what the library keeps in its workspace is lost then. */
  private void submit(Handle handle, Runnable body) {
    emulated(
        handle.workspaceBytes > 0 || !device().isCapturing(),
        () -> "a recording without cublasSetWorkspace_v2, in which the library may allocate");
    long workspace = handle.workspace;
    long bytes = handle.workspaceBytes;
    device()
        .submit(
            handle.stream,
            DeviceWork.ofLibrary(
                lastFunction(),
                () -> {
                  arrays.scribble(workspace, bytes);
                  body.run();
                  arrays.scribble(workspace, bytes);
                }));
  }
}
