package io.github.distillcuda.cuda;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLatch;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A context of a GPU: the primary one, which cuDNN and cuBLAS share, or one that another library
 * owns. Everything in it belongs to the one platform thread that opened it.
 *
 * <p>A thread may have several and use them in turn: the driver knows one current context for each
 * thread, and whatever is done with a handle makes that of the handle current. Only a context that
 * another library has made current meanwhile goes unnoticed, until {@link #makeCurrent}.
 */
public final class CudaContext extends NativeHandle {
  /**
   * The thread's current context as last set here, which saves a call of the driver before each of
   * ours.
   */
  private static final class OfThread {
    /** That of ours which is current; 0 if none is known to be. */
    private long current;
  }

  private static final ThreadLocal<OfThread> OF_THREAD = ThreadLocal.withInitial(OfThread::new);

  private final CudaDriverApi driver;
  private final CudaDevice device;
  private final DeviceMemory memory = new DeviceMemory(this);
  private final Set<NativeHandle> open = new LinkedHashSet<>();
  private final OfThread thread = OF_THREAD.get();
  private final boolean owned;

  private CudaContext(CudaDriverApi driver, CudaDevice device, long address, boolean owned) {
    super("cuda:" + device.ordinal(), driver.latch(), address);
    this.driver = driver;
    this.device = device;
    this.owned = owned;
  }

  /**
   * Opens a GPU for the calling thread; the caller closes it, after everything in it. Its primary
   * context becomes the thread's current one, whichever was it before, and once it is closed the
   * thread has none: a thread in which another library works with a context of its own is better
   * served by {@link #borrow}.
   *
   * @param driver an initialised driver
   * @param ordinal the GPU's number, from 0
   * @throws DistillException {@link ExitCode#DEVICE} if there is no such GPU
   * @throws IllegalStateException if the calling thread is virtual
   */
  public static CudaContext open(CudaDriverApi driver, int ordinal) {
    requirePlatformThread();
    CudaDevice device = CudaDevice.of(driver, ordinal);
    return enter(
        new CudaContext(driver, device, driver.cuDevicePrimaryCtxRetain(device.handle()), true));
  }

  /**
   * Wraps a context that another library owns, and makes it current in the calling thread,
   * whichever was it before. The caller closes the wrapper, after everything in it, while the
   * context is still there; that leaves the context as it is, and current. It is current even if it
   * is of another GPU.
   *
   * @param driver an initialised driver
   * @param ordinal the number of the context's GPU, from 0
   * @param address its {@code CUcontext}
   * @throws DistillException {@link ExitCode#DEVICE} if there is no such GPU
   * @throws IllegalArgumentException if the context is of another GPU
   * @throws IllegalStateException if the calling thread is virtual
   */
  public static CudaContext borrow(CudaDriverApi driver, int ordinal, long address) {
    requirePlatformThread();
    CudaDevice device = CudaDevice.of(driver, ordinal);
    CudaContext context = enter(new CudaContext(driver, device, address, false));
    int actual = driver.cuCtxGetDevice();
    if (actual != device.handle()) {
      throw new IllegalArgumentException(
          ("context 0x%x is of CUdevice %d, and GPU %d is CUdevice %d: borrow it with its own GPU's"
                  + " number")
              .formatted(address, actual, ordinal, device.handle()));
    }
    return context;
  }

  private static void requirePlatformThread() {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException(
          "a context belongs to one platform thread, this one is virtual");
    }
  }

  private static CudaContext enter(CudaContext context) {
    try (DeviceScope opening = new DeviceScope()) {
      opening.own(context);
      context.makeCurrent();
      return opening.release(context);
    }
  }

  /**
   * Returns the driver, if this context may be used; it is the thread's current one then. Allocates
   * nothing, and calls the driver only where another of ours is current, or none.
   */
  public CudaDriverApi driver() {
    ensureCurrent();
    return driver;
  }

  /** Makes this context current unless it is known to be. */
  void ensureCurrent() {
    if (thread.current != address()) {
      makeCurrent();
    }
  }

  /** Returns the GPU. */
  public CudaDevice device() {
    return device;
  }

  /** Returns the memory of the GPU, with an account of what this context holds of it. */
  public DeviceMemory memory() {
    return memory;
  }

  /** Makes this context the calling thread's again, after another library made its own current. */
  public void makeCurrent() {
    driver.cuCtxSetCurrent(address());
    thread.current = address();
  }

  /** Returns whether what is made in one of two contexts may be used with the other. */
  boolean isSame(CudaContext other) {
    return this == other || address() == other.address();
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
    if (!owned) {
      return;
    }
    try (DeviceScope ending = new DeviceScope()) {
      ending.own(this::releasePrimaryContext);
      ending.own(this::leave);
    }
  }

  /**
   * Detaches the context from this thread. Noted before the driver is asked: even if it refuses,
   * the context is released next.
   */
  private void leave() {
    thread.current = 0;
    driver.cuCtxSetCurrent(0);
  }

  private void releasePrimaryContext() {
    if (!latch().isLost()) {
      driver.cuDevicePrimaryCtxRelease_v2(device.handle());
    }
  }
}
