package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The environment that native libraries of this process see. */
final class ProcessEnvironment {
  private ProcessEnvironment() {}

  /**
   * Sets a variable unless the user has set it. For libraries that read it when they are loaded;
   * the Java side keeps the environment that the process started with.
   */
  @SuppressWarnings("restricted")
  static void setDefault(String name, String value) {
    Linker linker = Linker.nativeLinker();
    MethodHandle setenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    int status;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment nativeName = arena.allocateFrom(name);
      MemorySegment nativeValue = arena.allocateFrom(value);
      int overwrite = 0;
      status = (int) setenv.invokeExact(nativeName, nativeValue, overwrite);
    } catch (Throwable t) {
      throw new AssertionError("setenv downcall", t);
    }
    if (status != 0) {
      throw new NativeException("setenv(" + name + ", " + value + ", 0)", "error", status);
    }
  }
}
