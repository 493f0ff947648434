package io.github.distillcuda.emulator.library;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What the emulated cublasLt writes into the 64 bytes of an algorithm, and a mark after it: each
 * number at the index that it has as an attribute.
 */
record LtAlgorithm(int id, int tile, int splits, int reduction) {
  static final int ALL_REDUCTIONS = 7;
  private static final int NO_REDUCTION = 0;
  private static final int IN_PLACE = 1;
  private static final int IN_COMPUTE_TYPE = 2;

  /** What heuristics propose: splits first, as for the small products of this program. */
  static final List<LtAlgorithm> CANDIDATES =
      List.of(
          new LtAlgorithm(21, 15, 4, IN_COMPUTE_TYPE),
          new LtAlgorithm(21, 15, 4, IN_PLACE),
          new LtAlgorithm(6, 20, 1, NO_REDUCTION));

  private static final int MARK = 0x4c74;
  private static final int MARK_INDEX = 4;
  private static final int COUNTER_BYTES = 1024;

  /** Whether these bytes were written here. */
  static boolean isIn(MemorySegment algorithm) {
    return algorithm.getAtIndex(JAVA_INT, MARK_INDEX) == MARK;
  }

  static LtAlgorithm read(MemorySegment algorithm) {
    int[] numbers = algorithm.toArray(JAVA_INT);
    return new LtAlgorithm(numbers[0], numbers[1], numbers[2], numbers[3]);
  }

  void write(MemorySegment algorithm) {
    int[] numbers = {id, tile, splits, reduction, MARK};
    MemorySegment.copy(numbers, 0, algorithm, JAVA_INT, 0, numbers.length);
  }

  /** Whether sums over k can be split so: several parts need a way to add them, one needs none. */
  boolean suits(long k) {
    return splits == 1
        ? reduction == NO_REDUCTION
        : splits > 1 && splits <= k && (reduction == IN_PLACE || reduction == IN_COMPUTE_TYPE);
  }

  /** Returns the bytes for the parts of a split sum. */
  long workspace(Matrix result) {
    return switch (reduction) {
      case IN_COMPUTE_TYPE -> (long) splits * result.rows() * result.columns() * Float.BYTES;
      case IN_PLACE -> COUNTER_BYTES;
      default -> 0;
    };
  }
}
