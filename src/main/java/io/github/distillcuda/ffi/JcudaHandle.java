package io.github.distillcuda.ffi;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jcuda.NativePointerObject;

/**
 * The number inside of JCuda's objects: for a handle what C calls it by, for a {@code Pointer} the
 * address.
 *
 * <p>JCuda keeps it private; a subclass could set it once, but here an object serves many launches.
 */
final class JcudaHandle {
  private static final VarHandle NUMBER = number();

  private JcudaHandle() {}

  private static VarHandle number() {
    try {
      return MethodHandles.privateLookupIn(NativePointerObject.class, MethodHandles.lookup())
          .findVarHandle(NativePointerObject.class, "nativePointer", long.class);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("JCuda is not the one this was written for", e);
    }
  }

  /** Makes an object stand for what C calls {@code number}. */
  static void set(NativePointerObject object, long number) {
    NUMBER.set(object, number);
  }

  /** Returns what C calls the object by. */
  static long get(NativePointerObject object) {
    return (long) NUMBER.get(object);
  }
}
