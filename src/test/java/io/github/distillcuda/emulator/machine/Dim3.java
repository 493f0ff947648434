package io.github.distillcuda.emulator.machine;

/** A size or an index in a grid or a block. */
public record Dim3(int x, int y, int z) {
  public static Dim3 of(int x) {
    return new Dim3(x, 1, 1);
  }

  /** How many there are of a size. */
  public long count() {
    return (long) x * y * z;
  }

  /** The index at a position when x runs fastest. */
  public Dim3 at(long position) {
    return new Dim3(
        (int) (position % x), (int) (position / x % y), (int) (position / ((long) x * y)));
  }

  @Override
  public String toString() {
    return "(" + x + "," + y + "," + z + ")";
  }
}
