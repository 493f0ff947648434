package io.github.distillcuda.cli;

import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * Turns the first SIGINT or SIGTERM into a request to stop, and the second into an exit at once.
 *
 * <p>{@code sun.misc.Signal} works on every JDK, but naming it draws a compiler warning that cannot
 * be suppressed; a shutdown hook, the alternative, runs too late to let a step finish. Hence the
 * reflection.
 */
final class StopOnSignal {
  private final StopSignal stop;

  private StopOnSignal(StopSignal stop) {
    this.stop = stop;
  }

  /** Handles both signals from now on. */
  static void install(StopSignal stop) {
    StopOnSignal handler = new StopOnSignal(stop);
    handler.handle("INT", ExitCode.INTERRUPTED);
    handler.handle("TERM", ExitCode.TERMINATED);
  }

  /** Asks for a stop; where one was asked for already, ends the process without any more work. */
  void received(ExitCode exitCode) {
    if (stop.requested() != null) {
      Runtime.getRuntime().halt(exitCode.value());
    }
    stop.request(exitCode);
  }

  private void handle(String signal, ExitCode exitCode) {
    try {
      Class<?> signalType = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      InvocationHandler onSignal =
          (proxy, method, arguments) ->
              switch (method.getName()) {
                case "handle" -> {
                  received(exitCode);
                  yield null;
                }
                case "hashCode" -> System.identityHashCode(proxy);
                case "equals" -> proxy == arguments[0];
                default -> "stop on SIG" + signal;
              };
      Object handler =
          Proxy.newProxyInstance(
              handlerType.getClassLoader(), new Class<?>[] {handlerType}, onSignal);
      signalType
          .getMethod("handle", signalType, handlerType)
          .invoke(null, signalType.getConstructor(String.class).newInstance(signal), handler);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot handle SIG" + signal, e);
    }
  }
}
