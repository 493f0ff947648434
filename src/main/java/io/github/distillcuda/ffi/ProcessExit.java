package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** Ends the process without running shutdown hooks or native exit handlers. */
public final class ProcessExit {
  private ProcessExit() {}

  /**
   * Ends the process at once, with neither shutdown hooks nor the exit handlers of native
   * libraries, which {@link Runtime#halt} runs all the same. Does not return.
   *
   * @param status what the parent process is told, 0 to 255
   */
  @SuppressWarnings("restricted")
  public static void immediately(int status) {
    try {
      Linker linker = Linker.nativeLinker();
      MethodHandle exit =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("_exit"), FunctionDescriptor.ofVoid(JAVA_INT));
      exit.invokeExact(status);
    } catch (Throwable t) {
      // Not Linux, or native access is denied: then no driver is loaded either.
      Runtime.getRuntime().halt(status);
    }
  }
}
