package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.WarpInstruction;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;

/**
 * Gives an operation its own copy of a loop over the lanes.
 *
 * <p>Why: the loops of {@link WordLoops} and its like call a function for each lane. If all
 * operations shared one loop, HotSpot would see dozens of different functions at that call, could
 * not inline any, and every lane would pay for a call. A copy of the loop's class, defined from the
 * same bytes, has a profile of its own that only ever sees one function: it is inlined, the loop is
 * vectorised, and the same code is ten times as fast.
 */
final class OwnCopy {
  private final Class<?> loopClass;
  private MethodHandle loop;

  /**
   * @param loopClass a nested class whose only method is {@code static WarpInstruction loop(...)}
   */
  OwnCopy(Class<?> loopClass) {
    this.loopClass = loopClass;
  }

  /** Makes an operation of this copy; the class is copied at the first call. */
  WarpInstruction create(Object... arguments) {
    try {
      if (loop == null) {
        loop = copyLoop();
      }
      return (WarpInstruction) loop.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException("cannot make a copy of " + loopClass, e);
    }
  }

  private MethodHandle copyLoop() throws IllegalAccessException {
    MethodHandles.Lookup copy = MethodHandles.lookup().defineHiddenClass(classFile(), false);
    return copy.unreflect(
        Arrays.stream(copy.lookupClass().getDeclaredMethods())
            .filter(method -> method.getName().equals("loop"))
            .findFirst()
            .orElseThrow());
  }

  private byte[] classFile() {
    String file = loopClass.getName().substring(loopClass.getPackageName().length() + 1) + ".class";
    try (InputStream bytes = loopClass.getResourceAsStream(file)) {
      return bytes.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
