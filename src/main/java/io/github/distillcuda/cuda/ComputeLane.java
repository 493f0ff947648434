package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.CudnnApi;
import java.util.function.LongConsumer;

/**
 * A stream with all that a library needs to compute in it: handles that are bound to it for good,
 * and memory to compute in, made when a plan first asks for them. Branches of a graph that run side
 * by side have a lane each, since handles and workspaces cannot be shared between them.
 *
 * <p>What was captured keeps the address of its workspace, so a workspace that proves too small is
 * not freed when a larger one takes its place.
 */
public final class ComputeLane implements AutoCloseable {
  /**
   * What NVIDIA recommends for Hopper; enough for the partial sums of split products. All that
   * cuBLAS and cublasLt may compute in, however much more cuDNN has reserved: an algorithm must not
   * depend on what was planned before.
   */
  public static final long WORKSPACE_BYTES = 32L << 20;

  /** What a lane allocates for itself, if no plan wants a larger workspace. */
  public static final long OWN_BYTES = 2 * WORKSPACE_BYTES;

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
      lane.stream = lane.scope.own(CudaStream.create(context, name));
      return opening.release(lane);
    }
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

  /** Returns cuDNN's handle; the context is current then, which its functions expect. */
  public long cudnn() {
    context.ensureCurrent();
    if (cudnn == null) {
      CudnnApi dnn = engine.cudnn();
      LibraryObject handle = own("cuDNN of " + name, dnn.cudnnCreate(), dnn::cudnnDestroy);
      dnn.cudnnSetStream(handle.address(), stream.address());
      cudnn = handle;
    }
    return cudnn.address();
  }

  /** Returns cuBLAS's handle, which has a workspace of its own; the context is current then. */
  public long cublas() {
    context.ensureCurrent();
    if (cublas == null) {
      CublasApi blas = engine.cublas();
      DeviceBuffer own = allocate("cuBLAS workspace", WORKSPACE_BYTES);
      LibraryObject handle =
          own("cuBLAS of " + name, blas.cublasCreate_v2(), blas::cublasDestroy_v2);
      blas.cublasSetStream_v2(handle.address(), stream.address());
      blas.cublasSetWorkspace_v2(handle.address(), own.address(), own.byteSize());
      blas.cublasSetMathMode(handle.address(), math.cublas());
      cublas = handle;
    }
    return cublas.address();
  }

  /** Returns cublasLt's handle; the engine has the library, and the context is current then. */
  public long cublasLt() {
    context.ensureCurrent();
    if (cublasLt == null) {
      CublasLtApi lt = engine.cublasLt();
      LibraryObject handle = own("cublasLt of " + name, lt.cublasLtCreate(), lt::cublasLtDestroy);
      reserve(WORKSPACE_BYTES);
      cublasLt = handle;
    }
    return cublasLt.address();
  }

  /** Makes sure that the workspace has this size; not while the stream is captured. */
  public void reserve(long byteSize) {
    if (byteSize > workspaceBytes()) {
      workspace = allocate("workspace", byteSize);
    }
  }

  private DeviceBuffer allocate(String what, long byteSize) {
    return scope.own(context.memory().allocate(what + " of " + name, byteSize));
  }

  /** Returns the address of what cuDNN and cublasLt compute in, one call after the other. */
  public long workspace() {
    return workspace == null ? 0 : workspace.address();
  }

  /** Returns the size of the workspace. */
  public long workspaceBytes() {
    return workspace == null ? 0 : workspace.byteSize();
  }

  /**
   * Closes a plan's scope no later than this lane: a plan whose constructor fails has no owner who
   * would.
   */
  public void closeAtTheLatest(DeviceScope plan) {
    scope.own(plan);
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
