package io.github.distillcuda.launch;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * POSIX signals. Only {@code sun.misc.Signal} hears of them, and javac's warning about that class
 * cannot be suppressed, hence the reflection.
 */
public final class Signals {
  private Signals() {}

  /**
   * Runs {@code action} at each arrival of a signal, such as {@code INT}, instead of ending this
   * process. A signal that this JVM or system does not offer is left as it is.
   */
  public static void handle(String name, Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler run =
          (proxy, method, arguments) -> {
            action.run();
            return null;
          };
      signal
          .getMethod("handle", signal, handler)
          .invoke(
              null,
              signal.getConstructor(String.class).newInstance(name),
              Proxy.newProxyInstance(
                  Signals.class.getClassLoader(), new Class<?>[] {handler}, run));
    } catch (ReflectiveOperationException e) {
      // It then ends this process as it always does; a child stops because its pipe ends.
    }
  }
}
