package io.github.distillcuda.data;

import io.github.distillcuda.tensor.SplitMix64;
import java.util.stream.IntStream;

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
    if (count < 0) {
      throw new IllegalArgumentException("negative count: " + count);
    }
    int[] order = IntStream.range(0, count).toArray();
    SplitMix64 random = SplitMix64.of(seed, epoch);
    for (int last = count - 1; last > 0; last--) {
      int other = random.nextInt(last + 1);
      int id = order[other];
      order[other] = order[last];
      order[last] = id;
    }
    return order;
  }
}
