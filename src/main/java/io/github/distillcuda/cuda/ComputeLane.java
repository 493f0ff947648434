package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.NativeException;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

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

  /**
   * With less than this free, a library that cannot be initialised is taken to lack memory. What
   * handles and modules take is not documented; cuBLAS alone allocates 32 MiB on Hopper.
   */
  private static final long LIBRARY_BYTES = 256L << 20;

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

  private LibraryObject ownHandle(String library, LongSupplier create, LongConsumer destroy) {
    String what = library + " of " + name;
    try {
      return scope.own(new LibraryObject(context, what, create.getAsLong(), destroy));
    } catch (NativeException e) {
      boolean uninitialised =
          e.code() == CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED
              || e.code() == CudnnConstants.CUDNN_STATUS_NOT_INITIALIZED;
      if (uninitialised && context.memory().freeBytes() < LIBRARY_BYTES) {
        throw context.memory().noRoom(what + " needs perhaps", LIBRARY_BYTES, e);
      }
      throw e;
    }
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
      LibraryObject handle = ownHandle("cuDNN", dnn::cudnnCreate, dnn::cudnnDestroy);
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
      LibraryObject handle = ownHandle("cuBLAS", blas::cublasCreate_v2, blas::cublasDestroy_v2);
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
      LibraryObject handle = ownHandle("cublasLt", lt::cublasLtCreate, lt::cublasLtDestroy);
      reserve(WORKSPACE_BYTES);
      cublasLt = handle;
    }
    return cublasLt.address();
  }

  /**
   * Returns what this lane has yet to allocate to have a workspace of this size, which leaves a
   * smaller one behind, and that of cuBLAS.
   */
  public long missingBytes(long workspaceBytes) {
    return (cublas == null ? WORKSPACE_BYTES : 0)
        + (workspaceBytes > workspaceBytes() ? workspaceBytes : 0);
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
