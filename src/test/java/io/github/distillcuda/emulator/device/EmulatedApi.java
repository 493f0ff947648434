package io.github.distillcuda.emulator.device;

import io.github.distillcuda.ffi.CudaLatch;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One library on an emulated device. Every call goes into the device's log first, where it may be
 * the one that fails.
 */
public abstract class EmulatedApi {
  private final EmulatedDevice device;
  private boolean callFails;

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

  /**
   * Returns this library as programs reach it: every function of the interface goes into the log
   * with its arguments, and unless it {@link #ends} something is let in, before it is done.
   *
   * @param withoutStatus functions that cannot fail, and so are not logged
   */
  protected final <T> T logging(Class<T> api, Set<String> withoutStatus) {
    return api.cast(
        Proxy.newProxyInstance(
            api.getClassLoader(),
            new Class<?>[] {api},
            (proxy, function, arguments) -> invoke(function, withoutStatus, arguments)));
  }

  private Object invoke(Method function, Set<String> withoutStatus, Object[] arguments)
      throws Throwable {
    String name = function.getName();
    boolean ofLibrary =
        function.getDeclaringClass() != Object.class && function.getReturnType() != CudaLatch.class;
    if (ofLibrary) {
      device.latch().requireUsable(name);
    }
    if (ofLibrary && !withoutStatus.contains(name)) {
      callFails = device.log().add(name, arguments == null ? new Object[0] : arguments);
      if (!ends(name)) {
        letIn(name);
      }
    }
    try {
      return function.invoke(this, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /**
   * Returns whether a function ends something, and then may fail all the same: whoever asked for it
   * can do no more.
   */
  protected boolean ends(String function) {
    return function.contains("Destroy");
  }

  /** Fails if a function cannot be called now. */
  protected void letIn(String function) {
    requireWorking();
  }

  /** Ends something, for a function that {@link #ends}; returns what was ended. */
  protected final <T> T end(Class<T> type, int statusIfUnknown, long handle) {
    T ended = device.handles().remove(type, handle);
    requireWorking();
    return ended == null ? fail(statusIfUnknown, "nothing like this is alive") : ended;
  }

  /** Fails if the test asked for it or the device is lost. */
  protected final void requireWorking() {
    if (callFails) {
      int result = device.injectedResult();
      if (CudaLatch.isSticky(result)) {
        device.lose(result);
      }
      fail(statusOf(result), "says the test");
    }
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
