package io.github.distillcuda.emulator.library;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.distillcuda.ffi.CublasConstants;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** What the emulated cublasLt writes into the 64 bytes of an algorithm. */
record LtAlgorithm(int id, int tile, int splits, int reduction, int mark) {
  static final int ALL_REDUCTIONS = 7;
  static final int NO_REDUCTION = 0;
  static final int IN_PLACE = 1;
  static final int IN_COMPUTE_TYPE = 2;

  private static final int MARK = 0x4c74;
  private static final int MARK_OFFSET = 60;
  private static final int SPLITS = 4;
  private static final int COUNTER_BYTES = 1024;

  static boolean isAttribute(int attribute) {
    return attribute >= CublasConstants.CUBLASLT_ALGO_CONFIG_ID
        && attribute <= CublasConstants.CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME;
  }

  /** Returns what heuristics propose: splits first, as for the small products of this program. */
  static List<LtAlgorithm> candidates(long k, int reductions) {
    List<LtAlgorithm> found = new ArrayList<>();
    for (int reduction : new int[] {IN_COMPUTE_TYPE, IN_PLACE}) {
      if ((reductions & reduction) != 0 && k >= SPLITS) {
        found.add(new LtAlgorithm(21, 15, SPLITS, reduction, MARK));
      }
    }
    found.add(new LtAlgorithm(6, 20, 1, NO_REDUCTION, MARK));
    return found;
  }

  static LtAlgorithm read(MemorySegment algorithm) {
    return new LtAlgorithm(
        algorithm.get(JAVA_INT, 0),
        algorithm.get(JAVA_INT, 4),
        algorithm.get(JAVA_INT, 8),
        algorithm.get(JAVA_INT, 12),
        algorithm.get(JAVA_INT, MARK_OFFSET));
  }

  void write(MemorySegment algorithm) {
    algorithm.set(JAVA_INT, 0, id);
    algorithm.set(JAVA_INT, 4, tile);
    algorithm.set(JAVA_INT, 8, splits);
    algorithm.set(JAVA_INT, 12, reduction);
    algorithm.set(JAVA_INT, MARK_OFFSET, mark);
  }

  boolean isInitialised() {
    return mark == MARK;
  }

  /** Whether sums over k can be split so: several parts need a way to add them, one needs none. */
  boolean suits(long k) {
    return splits == 1
        ? reduction == NO_REDUCTION
        : splits > 1 && splits <= k && (reduction == IN_PLACE || reduction == IN_COMPUTE_TYPE);
  }

  /** Returns the bytes for the parts of a split sum. */
  long workspace(LtProduct product) {
    return switch (reduction) {
      case IN_COMPUTE_TYPE -> splits * product.d().rows() * product.d().columns() * Float.BYTES;
      case IN_PLACE -> COUNTER_BYTES;
      default -> 0;
    };
  }
}
