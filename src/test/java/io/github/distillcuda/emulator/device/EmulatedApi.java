package io.github.distillcuda.emulator.device;

import io.github.distillcuda.ffi.CudaLatch;
import java.util.function.Supplier;

/**
 * One library on an emulated device. Every call goes into the device's log first, where it may be
 * the one that fails.
 */
public abstract class EmulatedApi {
  private final EmulatedDevice device;

  protected EmulatedApi(EmulatedDevice device) {
    this.device = device;
  }

  /** Returns what to throw for a status of this library. */
  protected abstract RuntimeException failure(String call, int status, String reason);

  /** Returns this library's status for a result of the driver that a test asked for. */
  protected abstract int statusOf(int driverResult);

  protected final EmulatedDevice device() {
    return device;
  }

  /** Every call comes through here first. */
  protected final void call(String function, Object... arguments) {
    if (logged(function, arguments)) {
      failAsAsked();
    }
    requireNotLost();
  }

  /**
   * A call that ends something, and then may fail all the same: whoever asked for it can do no
   * more.
   *
   * @return what was ended
   */
  protected final <T> T callToEnd(
      Class<T> type, int statusIfUnknown, String function, long handle) {
    boolean fails = logged(function, handle);
    T ended = device.handles().remove(type, handle);
    if (fails) {
      failAsAsked();
    }
    requireNotLost();
    return ended == null ? fail(statusIfUnknown, "nothing like this is alive") : ended;
  }

  private boolean logged(String function, Object... arguments) {
    device.latch().requireUsable(function);
    return device.log().add(function, arguments);
  }

  private void failAsAsked() {
    int result = device.injectedResult();
    if (CudaLatch.isSticky(result)) {
      device.lose(result);
    }
    fail(statusOf(result), "says the test");
  }

  private void requireNotLost() {
    if (device.lostWith() != 0) {
      fail(statusOf(device.lostWith()), "the device is lost");
    }
  }

  /** Returns the function that is being called. */
  protected final String lastFunction() {
    return device.log().last().function();
  }

  /** Throws a status of this library; the result is for callers that must return something. */
  protected final <T> T fail(int status, String reason) {
    throw failure(device.log().last().toString(), status, reason);
  }

  protected final void require(boolean holds, int status, String reason) {
    if (!holds) {
      fail(status, reason);
    }
  }

  /** Returns what a handle stands for, or fails. */
  protected final <T> T require(Class<T> type, long handle, int status) {
    T object = device.find(type, handle);
    return object != null
        ? object
        : fail(status, "0x%x is no %s".formatted(handle, type.getSimpleName()));
  }

  /** Refuses, by name, what the real library may do and this one does not. */
  protected final UnsupportedOperationException notEmulated(String reason) {
    return new UnsupportedOperationException(device.log().last() + " is not emulated: " + reason);
  }

  /** Refuses by name unless something holds. */
  protected final void emulated(boolean holds, Supplier<String> reason) {
    if (!holds) {
      throw notEmulated(reason.get());
    }
  }
}
