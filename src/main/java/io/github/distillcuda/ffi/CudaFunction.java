package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.util.function.Function;

/**
 * A linked C function with its prototype: turns Java arguments into C ones, provides the places for
 * {@code out} parameters, and checks the status.
 *
 * <p>This way costs an array and a few boxes a call, which planning does not notice. What runs in
 * every step links {@link #handle} and calls it itself.
 */
final class CudaFunction {
  /** Enough for any out parameter: an int, a float, a size or a pointer. */
  private static final long OUT_BYTES = JAVA_LONG.byteSize();

  private final CudaPrototype prototype;
  private final CudaFunctions library;
  private final MethodHandle handle;
  private final MethodHandle spreader;

  CudaFunction(CudaPrototype prototype, MethodHandle handle, CudaFunctions library) {
    this.prototype = prototype;
    this.library = library;
    this.handle = handle;
    spreader =
        handle
            .asSpreader(Object[].class, prototype.parameters().size())
            .asType(MethodType.methodType(Object.class, Object[].class));
  }

  /** Returns the downcall itself, with the exact types of the prototype. */
  MethodHandle handle() {
    return handle;
  }

  /** Calls the function, which has no out parameters. */
  void call(Object... arguments) {
    invoke(arguments, outs -> null);
  }

  /** Calls the function, which has no out parameters, and returns its status unchecked. */
  int status(Object... arguments) {
    requireUsable();
    try (Arena arena = Arena.ofConfined()) {
      return (int) downcall(arguments, arena, MemorySegment.NULL);
    }
  }

  /** Calls the function and returns its out parameter, 0 if it failed. */
  long callForLongOrZero(Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      return (int) downcall(arguments, arena, out) == 0 ? out.get(JAVA_LONG, 0) : 0;
    }
  }

  /** Calls the function and returns its out parameter, an int. */
  int callForInt(Object... arguments) {
    return invoke(arguments, outs -> outs.get(JAVA_INT, 0));
  }

  /** Calls the function and returns its out parameters, all of them ints. */
  int[] callForInts(Object... arguments) {
    return invoke(
        arguments,
        outs -> {
          int[] values = new int[Math.toIntExact(outs.byteSize() / OUT_BYTES)];
          for (int i = 0; i < values.length; i++) {
            values[i] = outs.get(JAVA_INT, i * OUT_BYTES);
          }
          return values;
        });
  }

  /** Calls the function and returns its out parameter, a size or a pointer. */
  long callForLong(Object... arguments) {
    return invoke(arguments, outs -> outs.get(JAVA_LONG, 0));
  }

  /** Calls the function and returns its out parameters, all of them sizes or pointers. */
  long[] callForLongs(Object... arguments) {
    return invoke(arguments, outs -> outs.toArray(JAVA_LONG));
  }

  /** Calls the function and returns its out parameter, a float. */
  float callForFloat(Object... arguments) {
    return invoke(arguments, outs -> outs.get(JAVA_FLOAT, 0));
  }

  /** Calls a function that returns a size, and no status. */
  long size() {
    requireUsable();
    return (long) downcall(new Object[0], Arena.global(), MemorySegment.NULL);
  }

  /** Calls a function that returns a C string, and no status. */
  String text(Object... arguments) {
    return SharedLibrary.string(
        (MemorySegment) downcall(arguments, Arena.global(), MemorySegment.NULL));
  }

  /** Calls a function that returns nothing, and no status. */
  void run(Object... arguments) {
    downcall(arguments, Arena.global(), MemorySegment.NULL);
  }

  /** Refuses the call if the GPU is lost; for callers of {@link #handle}. */
  void requireUsable() {
    library.latch().requireUsable(prototype.symbol());
  }

  /** Returns what to throw for a status; for callers of {@link #handle}. */
  RuntimeException failure(int status, Object... arguments) {
    return library.failure(prototype.show(arguments), status);
  }

  /** Returns what to throw for something that a downcall threw, which C functions never do. */
  AssertionError wrongDescriptor(Throwable cause) {
    return new AssertionError(prototype.symbol() + " downcall", cause);
  }

  private <T> T invoke(Object[] arguments, Function<MemorySegment, T> reader) {
    requireUsable();
    try (Arena arena = Arena.ofConfined()) {
      int count = prototype.parameters().size() - arguments.length;
      MemorySegment outs = arena.allocate(count * OUT_BYTES, OUT_BYTES);
      int status = (int) downcall(arguments, arena, outs);
      if (status != 0) {
        throw failure(status, arguments);
      }
      return reader.apply(outs);
    }
  }

  private Object downcall(Object[] arguments, Arena arena, MemorySegment outs) {
    Object[] passed = new Object[prototype.parameters().size()];
    int given = 0;
    int out = 0;
    for (int i = 0; i < passed.length; i++) {
      CudaPrototype.Parameter parameter = prototype.parameters().get(i);
      if (parameter.out()) {
        passed[i] = outs.asSlice(OUT_BYTES * out++, OUT_BYTES);
      } else {
        passed[i] = toC(parameter.type(), arguments[given++], arena);
      }
    }
    try {
      return spreader.invokeExact(passed);
    } catch (Throwable t) {
      throw wrongDescriptor(t);
    }
  }

  private static Object toC(CudaPrototype.Type type, Object argument, Arena arena) {
    return switch (type) {
      case TEXT -> arena.allocateFrom((String) argument);
      case FLOAT_BY_ADDRESS -> arena.allocateFrom(JAVA_FLOAT, (float) argument);
      default -> argument;
    };
  }
}
