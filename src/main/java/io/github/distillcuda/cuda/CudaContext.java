package io.github.distillcuda.cuda;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLatch;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The primary context of a GPU, which cuDNN and cuBLAS share, current in the thread that opened it.
 * Everything on the GPU belongs to that one platform thread.
 */
public final class CudaContext extends NativeHandle {
  private final CudaDriverApi driver;
  private final CudaDevice device;
  private final DeviceMemory memory = new DeviceMemory(this);
  private final Set<NativeHandle> open = new LinkedHashSet<>();

  private CudaContext(CudaDriverApi driver, CudaDevice device) {
    super(
        "cuda:" + device.ordinal(),
        driver.latch(),
        driver.cuDevicePrimaryCtxRetain(device.handle()));
    this.driver = driver;
    this.device = device;
  }

  /**
   * Opens a GPU for the calling thread; the caller closes it, after everything in it.
   *
   * @param driver an initialised driver
   * @param ordinal the GPU's number, from 0
   * @throws DistillException {@link ExitCode#DEVICE} if there is no such GPU
   * @throws IllegalStateException if the calling thread is virtual
   */
  public static CudaContext open(CudaDriverApi driver, int ordinal) {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException(
          "a context belongs to one platform thread, this one is virtual");
    }
    try (DeviceScope opening = new DeviceScope()) {
      CudaContext context = opening.own(new CudaContext(driver, CudaDevice.of(driver, ordinal)));
      driver.cuCtxSetCurrent(context.address());
      return opening.release(context);
    }
  }

  /** Returns the driver, if this context may be used. */
  public CudaDriverApi driver() {
    requireUsable();
    return driver;
  }

  /** Returns the GPU. */
  public CudaDevice device() {
    return device;
  }

  /** Returns the memory of the GPU, with an account of what this context holds of it. */
  public DeviceMemory memory() {
    return memory;
  }

  /** Makes this context the calling thread's again: whoever closes another leaves none. */
  public void makeCurrent() {
    driver().cuCtxSetCurrent(address());
  }

  /** Waits for all work of this context. */
  public void synchronize() {
    driver().cuCtxSynchronize();
  }

  /**
   * Gives the GPU up: from here on no call reaches it, and handles are only forgotten.
   *
   * @return what to throw
   */
  public DistillException giveUp(String reason) {
    return latch().giveUp(reason);
  }

  /** Returns whether the GPU is lost, so that nothing can be called any more. */
  public boolean isLost() {
    return latch().isLost();
  }

  /** Returns how many handles are open in this context. */
  public int openHandles() {
    return open.size();
  }

  CudaLatch latch() {
    return driver.latch();
  }

  void opened(NativeHandle handle) {
    open.add(handle);
  }

  void closed(NativeHandle handle) {
    open.remove(handle);
  }

  @Override
  void beforeClose() {
    if (!open.isEmpty()) {
      throw new IllegalStateException(
          "%s cannot close before %s"
              .formatted(
                  this,
                  open.stream().map(NativeHandle::toString).collect(Collectors.joining(", "))));
    }
  }

  @Override
  void release(long address) {
    try (DeviceScope ending = new DeviceScope()) {
      ending.own(this::releasePrimaryContext);
      ending.own(() -> driver.cuCtxSetCurrent(0));
    }
  }

  private void releasePrimaryContext() {
    if (!latch().isLost()) {
      driver.cuDevicePrimaryCtxRelease_v2(device.handle());
    }
  }
}
