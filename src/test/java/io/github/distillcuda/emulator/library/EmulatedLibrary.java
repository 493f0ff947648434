package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.DeviceWork;
import io.github.distillcuda.emulator.device.EmulatedApi;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.NativeException;

/** What cuDNN, cuBLAS and cublasLt have in common on an emulated device. */
abstract class EmulatedLibrary extends EmulatedApi {
  /** Memory that a caller lends for one call. */
  record Workspace(long address, long bytes) {
    static final Workspace NONE = new Workspace(0, 0);
  }

  private final LibraryStatuses statuses;

  EmulatedLibrary(EmulatedDevice device, LibraryStatuses statuses) {
    super(device);
    this.statuses = statuses;
  }

  @Override
  protected final RuntimeException failure(String call, int status, String reason) {
    return new NativeException(call, statuses.name(status), status, reason);
  }

  @Override
  protected final int statusOf(int driverResult) {
    boolean isOfMemory = driverResult == CudaConstants.CUDA_ERROR_OUT_OF_MEMORY;
    return (isOfMemory ? statuses.outOfMemory() : statuses.executionFailed()).code();
  }

  final void requireValid(boolean holds, String reason) {
    require(holds, statuses.invalid().code(), reason);
  }

  final void requireSupported(boolean holds, String reason) {
    require(holds, statuses.notSupported().code(), reason);
  }

  /** Returns what a handle or descriptor stands for; what it does not is an invalid argument. */
  final <T> T object(Class<T> type, long handle) {
    return require(type, handle, statuses.invalid().code());
  }

  /** Ends a descriptor; nothing may be ended too. */
  final void end(Class<?> type, long descriptor) {
    if (descriptor == 0) {
      requireWorking();
    } else {
      end(type, statuses.invalid().code(), descriptor);
    }
  }

  /** Returns the number of a new handle, which belongs to the current context. */
  final long open(String kind, Object handle) {
    requireNotRecording("a new handle");
    require(device().hasContext(), statuses.notInitialized().code(), "no current context");
    return device().add(kind, handle);
  }

  final void requireNotRecording(String what) {
    emulated(!device().isCapturing(), () -> what + " while this thread records");
  }

  /** Returns how the tensor cores of this device round float32 factors, if they take them. */
  final FactorRounding tensorCores() {
    boolean truncates = device().truncatesFactors();
    FactorRounding rounding = truncates ? FactorRounding.TRUNCATED : FactorRounding.NEAREST;
    return device().computeCapability() < 80 ? FactorRounding.NONE : rounding;
  }

  /** What a workspace holds after its use is nobody's; one that holds something else loses it. */
  final void scribble(Workspace workspace) {
    if (workspace.bytes() > 0) {
      Region region = device().memory().regionNear(workspace.address(), 0);
      int offset = Math.toIntExact(workspace.address() - region.address());
      region.hostForget(offset, Math.toIntExact(workspace.bytes()));
    }
  }

  /** Does in a stream what was called. */
  final void submit(long stream, Runnable body) {
    device().submit(stream, DeviceWork.ofLibrary(lastFunction(), body));
  }

  /** Does it with a workspace; whatever the workspace held is lost, before and after. */
  final void submit(long stream, Workspace workspace, Runnable body) {
    submit(
        stream,
        () -> {
          scribble(workspace);
          body.run();
          scribble(workspace);
        });
  }
}
