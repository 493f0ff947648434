package io.github.distillcuda.tensor;

/**
 * The SplitMix64 generator: a counter that is stepped by the golden ratio and mixed (Steele, Lea
 * and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the mixing constants
 * are Stafford's variant 13). Initial weights, orders and drawn pictures are functions of a seed,
 * and a resumed run draws them anew: so it is written out here and not taken from the JDK, whose
 * SplittableRandom draws the same numbers today and promises none.
 */
public final class SplitMix64 {
  /** 2^64 divided by the golden ratio, the nearest odd number: the step of the counter. */
  public static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private long state;

  /** The generator whose published reference code starts with {@code state = seed}. */
  public SplitMix64(long seed) {
    state = seed;
  }

  /**
   * The generator of one of many independent streams of a seed. Seed and stream are mixed one after
   * the other, so that (seed + 1, stream) and (seed, stream + 1) have nothing in common.
   */
  public static SplitMix64 of(long seed, long stream) {
    return new SplitMix64(mix(mix(seed + GOLDEN_RATIO) ^ stream));
  }

  /** Returns the next 64 random bits. */
  public long nextLong() {
    state += GOLDEN_RATIO;
    return mix(state);
  }

  /**
   * Returns a number from [0, bound), every one equally likely: the high half of a 32 by 32 bit
   * product, where the few low halves that would favour some numbers are drawn again (Lemire, "Fast
   * random integer generation in an interval", 2019).
   */
  public int nextInt(int bound) {
    int unfair = Integer.remainderUnsigned(-bound, bound); // 2^32 mod bound
    while (true) {
      long product = (nextLong() >>> 32) * bound;
      if (Integer.compareUnsigned((int) product, unfair) >= 0) {
        return (int) (product >>> 32);
      }
    }
  }

  /** Returns a number from [0, 1), a multiple of 2^-53. */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /** Returns a number from [0, 1), a multiple of 2^-24. */
  public float nextFloat() {
    return (nextLong() >>> 40) * 0x1p-24f;
  }

  /** Returns a number between {@code low} and {@code high}. */
  public float between(float low, float high) {
    return low + (high - low) * nextFloat();
  }

  /** Returns the bits of a counter, mixed so that neighbours have nothing in common. */
  public static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
