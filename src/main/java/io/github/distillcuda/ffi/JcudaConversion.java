package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import io.github.distillcuda.ffi.CudaPrototype.Type;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUdevice;

/**
 * How an argument of a C function becomes one of JCuda's method, and how what C left there comes
 * back.
 */
@FunctionalInterface
interface JcudaConversion {
  /** What is the same on both sides. */
  Map<Type, Class<?>> PLAIN =
      Map.of(
          Type.INT, int.class,
          Type.LONG, long.class,
          Type.FLOAT, float.class,
          Type.DOUBLE, double.class);

  /** The arrays that JCuda reads and fills. */
  Set<Class<?>> ARRAYS = Set.of(byte[].class, int[].class, long[].class, float[].class);

  /** Returns the argument for JCuda. */
  Object toJcuda(Object c);

  /** Stores what the call left in JCuda's argument in the memory that the C argument points to. */
  default void store(Object jcuda, Object c) {}

  /**
   * Returns the conversion for one parameter, if C's and JCuda's can be the same thing.
   *
   * @param jcuda the type in JCuda's method
   */
  static Optional<JcudaConversion> of(Parameter parameter, Class<?> jcuda) {
    Type type = parameter.type();
    if (ARRAYS.contains(jcuda) && (parameter.out() || type == Type.MEMORY)) {
      return Optional.of(new ArrayOf(jcuda));
    }
    if (NativePointerObject.class.isAssignableFrom(jcuda) && isHandle(type, jcuda)) {
      Class<? extends NativePointerObject> handle = jcuda.asSubclass(NativePointerObject.class);
      return Optional.of(parameter.out() ? new HandleFromC(type, handle) : new HandleForC(handle));
    }
    if (parameter.out()) {
      return Optional.empty();
    }
    if (jcuda == PLAIN.get(type)) {
      return Optional.of(argument -> argument);
    }
    if (type == Type.INT && jcuda == byte.class) {
      return Optional.of(argument -> ((Integer) argument).byteValue());
    }
    if (type == Type.TEXT && jcuda == String.class) {
      return Optional.of(argument -> ((MemorySegment) argument).getString(0));
    }
    return Optional.empty();
  }

  private static boolean isHandle(Type type, Class<?> jcuda) {
    return switch (type) {
      case POINTER -> true;
      case INT -> jcuda == CUdevice.class;
      case MEMORY, FLOAT_BY_ADDRESS -> jcuda == Pointer.class;
      default -> false;
    };
  }

  /** Returns a new handle or pointer of a class, which is NULL. */
  static <T> T newObject(Class<T> type) {
    try {
      return type.getConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("JCuda is not the one this was written for", e);
    }
  }

  /** A handle or an address that C gets. */
  record HandleForC(Class<? extends NativePointerObject> type) implements JcudaConversion {
    @Override
    public Object toJcuda(Object c) {
      NativePointerObject handle = newObject(type);
      JcudaHandle.set(
          handle, c instanceof MemorySegment memory ? memory.address() : ((Number) c).longValue());
      return handle;
    }
  }

  /** A handle or an address that C gives. */
  record HandleFromC(Type cType, Class<? extends NativePointerObject> type)
      implements JcudaConversion {
    @Override
    public Object toJcuda(Object c) {
      return newObject(type);
    }

    @Override
    public void store(Object jcuda, Object c) {
      long number = JcudaHandle.get((NativePointerObject) jcuda);
      if (cType == Type.INT) {
        ((MemorySegment) c).set(JAVA_INT, 0, Math.toIntExact(number));
      } else {
        ((MemorySegment) c).set(JAVA_LONG, 0, number);
      }
    }
  }

  /**
   * Memory of C that JCuda has as an array, with as many elements as there is room for; that of a
   * result has room for 8 bytes.
   */
  record ArrayOf(Class<?> type) implements JcudaConversion {
    @Override
    public Object toJcuda(Object c) {
      MemorySegment memory = (MemorySegment) c;
      return switch (type.getSimpleName()) {
        case "byte[]" -> memory.toArray(JAVA_BYTE);
        case "int[]" -> memory.toArray(JAVA_INT);
        case "long[]" -> memory.toArray(JAVA_LONG);
        default -> memory.toArray(JAVA_FLOAT);
      };
    }

    @Override
    public void store(Object jcuda, Object c) {
      MemorySegment values =
          switch (jcuda) {
            case byte[] bytes -> MemorySegment.ofArray(bytes);
            case int[] ints -> MemorySegment.ofArray(ints);
            case long[] longs -> MemorySegment.ofArray(longs);
            default -> MemorySegment.ofArray((float[]) jcuda);
          };
      ((MemorySegment) c).copyFrom(values);
    }
  }
}
