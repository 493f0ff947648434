package io.github.distillcuda.emulator.ptx;

/**
 * A named piece of memory that an entry uses.
 *
 * @param bytes its size; 0 for {@code extern .shared}, whose size the launch gives
 */
public record Variable(Space space, String name, int alignment, int bytes) {
  /** Where a variable lives. */
  public enum Space {
    SHARED,
    LOCAL
  }

  public boolean isSizedByLaunch() {
    return bytes == 0;
  }
}
