package io.github.distillcuda.data;

import io.github.distillcuda.tensor.SplitMix64;

/**
 * The order in which an epoch visits the training images: a function of (seed, epoch, count) alone,
 * so that a resumed run knows it without replaying the epochs before.
 */
public final class EpochOrder {
  private EpochOrder() {}

  /**
   * Returns a permutation of the image ids [0, count), every one equally likely (Fisher-Yates with
   * an unbiased draw).
   *
   * @throws IllegalArgumentException if {@code epoch} or {@code count} is negative
   */
  public static int[] of(long seed, int epoch, int count) {
    if (epoch < 0) {
      throw new IllegalArgumentException("negative epoch: " + epoch);
    }
    int[] order = inOrder(count);
    SplitMix64 random = SplitMix64.of(seed, epoch);
    for (int last = count - 1; last > 0; last--) {
      int other = random.nextInt(last + 1);
      int id = order[other];
      order[other] = order[last];
      order[last] = id;
    }
    return order;
  }

  /**
   * Returns the image ids 0, 1, ... count-1, the order of test data and of the teacher's pass.
   *
   * @throws IllegalArgumentException if {@code count} is negative
   */
  public static int[] inOrder(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("negative count: " + count);
    }
    int[] order = new int[count];
    for (int id = 0; id < count; id++) {
      order[id] = id;
    }
    return order;
  }
}
