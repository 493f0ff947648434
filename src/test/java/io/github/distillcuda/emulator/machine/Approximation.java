package io.github.distillcuda.emulator.machine;

/**
 * What the approximate instructions (ex2.approx, rcp.approx, ...) return. PTX only bounds their
 * error; a result that holds in all three modes does not lean on one GPU's rounding.
 */
public enum Approximation {
  /** The exact result, rounded to nearest. */
  EXACT,
  /** The smallest float that the bound allows. */
  LOWER,
  /** The largest float that the bound allows. */
  UPPER;

  /**
   * Chooses the result within {@code exact - error} to {@code exact + error}. What PTX fixes
   * exactly (zeros, infinities, NaN) is not asked here.
   */
  public float choose(double exact, double error) {
    if (Float.isInfinite((float) exact)) {
      return (float) exact;
    }
    return switch (this) {
      case EXACT -> (float) exact;
      case LOWER -> roundUp(exact - error);
      case UPPER -> roundDown(exact + error);
    };
  }

  private static float roundUp(double value) {
    float nearest = (float) value;
    return nearest < value ? Math.nextUp(nearest) : nearest;
  }

  private static float roundDown(double value) {
    float nearest = (float) value;
    return nearest > value ? Math.nextDown(nearest) : nearest;
  }
}
