package io.github.distillcuda.emulator.library;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** A library of which one function does something of a test's before it is called, or throws. */
public final class Intercepted {
  private Intercepted() {}

  /**
   * Returns {@code library} as programs see it, with {@code first} run before each call of {@code
   * function}.
   */
  public static <T> T before(Class<T> api, T library, String function, Runnable first) {
    return api.cast(
        Proxy.newProxyInstance(
            api.getClassLoader(),
            new Class<?>[] {api},
            (proxy, called, arguments) -> {
              if (called.getName().equals(function)) {
                first.run();
              }
              try {
                return called.invoke(library, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }
}
