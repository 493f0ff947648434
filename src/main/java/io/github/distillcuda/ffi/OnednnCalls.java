package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Links functions of oneDNN that return a status, and runs them. */
final class OnednnCalls {
  /** A downcall and nothing else, so that anything it throws means a wrong descriptor. */
  @FunctionalInterface
  interface Call {
    int status() throws Throwable;
  }

  /** The same with a place for the handle it creates, and an arena that ends with it. */
  @FunctionalInterface
  interface Creation {
    int status(Arena arena, MemorySegment handle) throws Throwable;
  }

  private final SharedLibrary library;
  private final MethodHandle statusText;

  OnednnCalls(SharedLibrary library) {
    this.library = library;
    statusText = library.function("dnnl_status2str", FunctionDescriptor.of(ADDRESS, JAVA_INT));
  }

  /** Links a function that returns a status or another int. */
  MethodHandle link(String symbol, MemoryLayout... arguments) {
    return library.function(symbol, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  /** Runs a function; {@code shown} is the call as a failure shows it. */
  void run(String shown, Call call) {
    int status;
    try {
      status = call.status();
    } catch (Throwable t) {
      throw wrongDescriptor(shown, t);
    }
    if (status != OnednnConstants.SUCCESS) {
      throw failure(shown, status);
    }
  }

  /** Runs a function that creates something, and returns its handle. */
  long create(String shown, Creation creation) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(JAVA_LONG);
      run(shown, () -> creation.status(arena, handle));
      return handle.get(JAVA_LONG, 0);
    }
  }

  /** Runs a function that stores an int, and returns it. */
  int number(String shown, Creation query) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(JAVA_INT);
      run(shown, () -> query.status(arena, number));
      return number.get(JAVA_INT, 0);
    }
  }

  /** Runs a function that stores the address of a C string, and returns the string. */
  String string(String shown, Creation query) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(ADDRESS);
      run(shown, () -> query.status(arena, text));
      return SharedLibrary.string(text.get(ADDRESS, 0));
    }
  }

  /** Copies extents to a {@code dnnl_dims_t}, of which the library reads as many as it needs. */
  static MemorySegment dims(Arena arena, long... extents) {
    return arena.allocateFrom(JAVA_LONG, extents);
  }

  NativeException failure(String shown, int status) {
    String text;
    try {
      text = SharedLibrary.string((MemorySegment) statusText.invokeExact(status));
    } catch (Throwable t) {
      throw wrongDescriptor("dnnl_status2str", t);
    }
    return new NativeException(shown, text, status);
  }

  static AssertionError wrongDescriptor(String shown, Throwable cause) {
    return new AssertionError(shown + " downcall", cause);
  }
}
