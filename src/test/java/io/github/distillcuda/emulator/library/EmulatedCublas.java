package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_32F;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasConstants;
import java.util.Set;

/** cuBLAS on an emulated device: products in float32 and bfloat16, with sums in float64. */
public final class EmulatedCublas extends EmulatedProducts implements CublasApi {
  private static final Set<Integer> MATH_MODES =
      Set.of(
          CublasConstants.CUBLAS_DEFAULT_MATH,
          CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH,
          CublasConstants.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);

  private static final class Handle {
    private long stream;
    private Workspace workspace = Workspace.NONE;
    private int mathMode = CublasConstants.CUBLAS_DEFAULT_MATH;
  }

  private EmulatedCublas(EmulatedDevice device) {
    super(device);
  }

  /** Returns cuBLAS on a device. */
  public static CublasApi on(EmulatedDevice device) {
    return new EmulatedCublas(device).logging(CublasApi.class, Set.of());
  }

  private Handle handle(long handle) {
    return require(Handle.class, handle, LibraryStatuses.CUBLAS.notInitialized().code());
  }

  @Override
  public int cublasGetVersion_v2() {
    return VERSION;
  }

  @Override
  public long cublasCreate_v2() {
    return open("cublas", new Handle());
  }

  @Override
  public void cublasDestroy_v2(long handle) {
    end(Handle.class, LibraryStatuses.CUBLAS.notInitialized().code(), handle);
    requireNotRecording("the end of a handle");
    device().synchronize();
  }

  @Override
  public void cublasSetStream_v2(long handle, long stream) {
    Handle state = handle(handle);
    state.stream = stream;
    state.workspace = Workspace.NONE;
  }

  @Override
  public void cublasSetWorkspace_v2(long handle, long workspace, long byteSize) {
    requireValid(workspace % 256 == 0, "a workspace that is not aligned to 256 bytes");
    handle(handle).workspace = new Workspace(workspace, byteSize);
  }

  @Override
  public void cublasSetMathMode(long handle, int mode) {
    emulated(MATH_MODES.contains(mode), () -> "this mode");
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
    int type = CUDA_R_32F;
    int sums = CublasConstants.CUBLAS_COMPUTE_32F;
    int any = CublasConstants.CUBLAS_GEMM_DEFAULT;
    cublasGemmEx(
        handle, opA, opB, m, n, k, alpha, a, type, lda, b, type, ldb, beta, c, type, ldc, sums,
        any);
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
    boolean transposeA = transposes(opA);
    boolean transposeB = transposes(opB);
    Matrix left = matrix(a, aType, transposeA ? k : m, transposeA ? m : k, lda);
    Matrix right = matrix(b, bType, transposeB ? n : k, transposeB ? k : n, ldb);
    Matrix result = matrix(c, cType, m, n, ldc);
    boolean byMode = state.mathMode == CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH;
    boolean single = aType == CUDA_R_32F && computeType == CublasConstants.CUBLAS_COMPUTE_32F;
    boolean tf32 = asksForTf32(computeType) || single && byMode;
    int plain = CublasConstants.CUBLASLT_EPILOGUE_DEFAULT;
    MatrixProduct product =
        new MatrixProduct(left, transposeA, right, transposeB, tf32, result, result, plain, 0);
    requireSupported(product.typesFit(), "no such combination of types");
    emulated(
        state.workspace.bytes() > 0 || !device().isCapturing(),
        () -> "a recording without cublasSetWorkspace_v2, in which the library may allocate");
    submit(state.stream, state.workspace, () -> product.run(alpha, beta, tensorCores()));
  }
}
