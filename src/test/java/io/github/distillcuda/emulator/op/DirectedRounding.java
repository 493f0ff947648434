package io.github.distillcuda.emulator.op;

/**
 * Float arithmetic that rounds in a direction other than to nearest, exactly. The accurate expf
 * relies on it: it takes the integer part of a product from {@code fma.rm}.
 */
enum DirectedRounding {
  ZERO("rz"),
  DOWN("rm"),
  UP("rp");

  private final String suffix;

  DirectedRounding(String suffix) {
    this.suffix = suffix;
  }

  /** As in {@code add.rz.f32}. */
  String suffix() {
    return suffix;
  }

  float sum(double a, double b) {
    double head = a + b;
    if (head == 0 && isNegative(a) != isNegative(b)) {
      return this == DOWN ? -0f : 0f; // IEEE 754, section 6.3
    }
    // Knuth's TwoSum: head + tail is the exact sum.
    double bPart = head - a;
    double aPart = head - bPart;
    double tail = (a - aPart) + (b - bPart);
    return round(head, tail);
  }

  float product(float a, float b) {
    return round((double) a * b, 0); // the product of two floats is exact in a double
  }

  float quotient(float a, float b) {
    // No quotient of two floats is within half a unit of a double of a float, but for that float.
    return round((double) a / b, 0);
  }

  float fusedMultiplyAdd(float a, float b, float c) {
    return sum((double) a * b, c);
  }

  /** Rounds {@code head + tail}, where tail is at most half a unit in the last place of head. */
  private float round(double head, double tail) {
    float nearest = (float) head;
    if (Double.isNaN(head) || Double.isInfinite(head)) {
      return nearest;
    }
    double missing = head - nearest; // exact; if it is not 0 it outweighs the tail
    double sign = missing != 0 ? missing : tail;
    boolean goDown = this == DOWN || (this == ZERO && head > 0);
    if (goDown) {
      return sign < 0 ? Math.nextDown(nearest) : nearest;
    }
    return sign > 0 ? Math.nextUp(nearest) : nearest;
  }

  private static boolean isNegative(double value) {
    return Double.doubleToRawLongBits(value) < 0;
  }
}
