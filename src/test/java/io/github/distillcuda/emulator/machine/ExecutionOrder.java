package io.github.distillcuda.emulator.machine;

import java.util.Random;
import java.util.stream.IntStream;

/**
 * The order in which blocks, the warps of a block and the lanes of an atomic instruction take their
 * turns. CUDA promises none, so a kernel that calls itself deterministic gives the same bits in
 * all.
 */
public enum ExecutionOrder {
  FORWARD,
  REVERSE,
  SHUFFLED;

  private static final long SEED = 20150309;

  /** A permutation of 0 to count - 1. */
  public int[] of(int count) {
    int[] order = IntStream.range(0, count).toArray();
    switch (this) {
      case FORWARD -> {}
      case REVERSE -> {
        for (int i = 0; i < count; i++) {
          order[i] = count - 1 - i;
        }
      }
      case SHUFFLED -> shuffle(order, new Random(SEED));
    }
    return order;
  }

  private static void shuffle(int[] order, Random random) {
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }
}
