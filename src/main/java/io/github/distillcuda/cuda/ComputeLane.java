package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CudnnApi;
import java.util.function.LongConsumer;

/**
 * A stream with all that a library needs to compute in it: handles that are bound to it for good,
 * and memory to compute in. Branches of a graph that run side by side have a lane each, since
 * handles and workspaces cannot be shared between them.
 *
 * <p>What was captured keeps the address of its workspace, so a workspace that proves too small is
 * not freed when a larger one takes its place.
 */
public final class ComputeLane implements AutoCloseable {
  /** What NVIDIA recommends for Hopper; enough for the partial sums of split products. */
  private static final long WORKSPACE_BYTES = 32L << 20;

  private final DeviceScope scope = new DeviceScope();
  private final CudaContext context;
  private final CudaEngine engine;
  private final MathMode math;
  private final String name;
  private CudaStream stream;
  private LibraryObject cudnn;
  private LibraryObject cublas;
  private LibraryObject cublasLt;
  private DeviceBuffer workspace;

  private ComputeLane(CudaContext context, CudaEngine engine, MathMode math, String name) {
    this.context = context;
    this.engine = engine;
    this.math = math;
    this.name = name;
  }

  /** Creates a lane with a stream of its own; the caller closes it. */
  public static ComputeLane open(
      CudaContext context, CudaEngine engine, MathMode math, String name) {
    try (DeviceScope opening = new DeviceScope()) {
      ComputeLane lane = opening.own(new ComputeLane(context, engine, math, name));
      lane.create();
      return opening.release(lane);
    }
  }

  private void create() {
    stream = scope.own(CudaStream.create(context, name));
    CudnnApi dnn = engine.cudnn();
    cudnn = own("cuDNN of " + name, dnn.cudnnCreate(), dnn::cudnnDestroy);
    dnn.cudnnSetStream(cudnn.address(), stream.address());
    CublasApi blas = engine.cublas();
    cublas = own("cuBLAS of " + name, blas.cublasCreate_v2(), blas::cublasDestroy_v2);
    DeviceBuffer blasWorkspace =
        scope.own(context.memory().allocate("cuBLAS workspace of " + name, WORKSPACE_BYTES));
    blas.cublasSetStream_v2(cublas.address(), stream.address());
    blas.cublasSetWorkspace_v2(cublas.address(), blasWorkspace.address(), blasWorkspace.byteSize());
    blas.cublasSetMathMode(cublas.address(), math.cublas());
    if (engine.cublasLt() != null) {
      cublasLt =
          own(
              "cublasLt of " + name,
              engine.cublasLt().cublasLtCreate(),
              engine.cublasLt()::cublasLtDestroy);
    }
    workspace = scope.own(context.memory().allocate("workspace of " + name, WORKSPACE_BYTES));
  }

  private LibraryObject own(String what, long address, LongConsumer destroy) {
    return scope.own(new LibraryObject(context, what, address, destroy));
  }

  /** Returns the context. */
  public CudaContext context() {
    return context;
  }

  /** Returns the libraries. */
  public CudaEngine engine() {
    return engine;
  }

  /** Returns the arithmetic that the handles are set to. */
  public MathMode math() {
    return math;
  }

  /** Returns the stream that everything here runs in. */
  public CudaStream stream() {
    return stream;
  }

  /** Returns cuDNN's handle. */
  public long cudnn() {
    return cudnn.address();
  }

  /** Returns cuBLAS's handle, which has a workspace of its own. */
  public long cublas() {
    return cublas.address();
  }

  /** Returns cublasLt's handle; the engine has the library. */
  public long cublasLt() {
    return cublasLt.address();
  }

  /** Makes sure that the workspace has this size; not while the stream is captured. */
  public void reserve(long byteSize) {
    if (byteSize > workspace.byteSize()) {
      workspace = scope.own(context.memory().allocate("workspace of " + name, byteSize));
    }
  }

  /** Returns what cuDNN and cublasLt compute in, one call after the other. */
  public DeviceBuffer workspace() {
    return workspace;
  }

  @Override
  public void close() {
    scope.close();
  }

  @Override
  public String toString() {
    return "ComputeLane " + name;
  }
}
