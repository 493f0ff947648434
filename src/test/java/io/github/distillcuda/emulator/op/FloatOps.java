package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.op.FloatLoops.FloatBinaryOperator;
import io.github.distillcuda.emulator.op.FloatLoops.FloatTernaryOperator;
import io.github.distillcuda.emulator.op.FloatLoops.FloatUnaryOperator;

/**
 * Arithmetic on f32 that PTX defines to the last bit. An add, sub or mul without a rounding
 * modifier is rounded to nearest here, though ptxas may fuse it with its neighbour: kernels that
 * promise their bits are built with {@code -fmad=false}, which writes {@code .rn} everywhere.
 */
final class FloatOps {
  private FloatOps() {}

  static void addTo(OpTable table) {
    for (String nearest : new String[] {"", ".rn"}) {
      binary(table, "add" + nearest, (a, b) -> a + b);
      binary(table, "sub" + nearest, (a, b) -> a - b);
      flushing(table, "mul" + nearest, (a, b) -> a * b, DirectedRounding.ZERO::product);
    }
    ternary(table, "fma.rn", (a, b, c) -> Math.fma(a, b, c));
    flushing(table, "div.rn", (a, b) -> a / b, DirectedRounding.ZERO::quotient);
    unary(table, "rcp.rn", a -> 1 / a);
    unary(table, "sqrt.rn", a -> (float) Math.sqrt(a));
    for (DirectedRounding rounding : DirectedRounding.values()) {
      binary(table, "add." + rounding.suffix(), (a, b) -> rounding.sum(a, b));
      binary(table, "sub." + rounding.suffix(), (a, b) -> rounding.sum(a, -(double) b));
      flushing(
          table,
          "mul." + rounding.suffix(),
          (a, b) -> rounding.product(a, b),
          DirectedRounding.ZERO::product);
      ternary(table, "fma." + rounding.suffix(), (a, b, c) -> rounding.fusedMultiplyAdd(a, b, c));
    }
    binary(table, "max", (a, b) -> a != a ? b : b != b ? a : Math.max(a, b));
    binary(table, "min", (a, b) -> a != a ? b : b != b ? a : Math.min(a, b));
    unary(table, "abs", a -> Math.abs(a));
    unary(table, "neg", a -> -a);
  }

  private static void unary(OpTable table, String operation, FloatUnaryOperator f) {
    table.add(operation + ".f32", FloatLoops.unary(f, false));
    table.add(operation + ".ftz.f32", FloatLoops.unary(f, true));
  }

  private static void binary(OpTable table, String operation, FloatBinaryOperator f) {
    table.add(operation + ".f32", FloatLoops.binary(f, false));
    table.add(operation + ".ftz.f32", FloatLoops.binary(f, true));
  }

  /**
   * A function whose result may round up to the smallest normal float: with {@code ftz} it is 0 all
   * the same, as on an H200, since it is subnormal before it is rounded.
   *
   * @param cutOff the result rounded towards 0
   */
  private static void flushing(
      OpTable table, String operation, FloatBinaryOperator f, FloatBinaryOperator cutOff) {
    table.add(operation + ".f32", FloatLoops.binary(f, false));
    table.add(
        operation + ".ftz.f32",
        FloatLoops.binary((a, b) -> flushed(f.of(a, b), cutOff.of(a, b)), true));
  }

  /** The same of a function of three: fma. */
  private static void ternary(OpTable table, String operation, FloatTernaryOperator f) {
    table.add(operation + ".f32", FloatLoops.ternary(f, false));
    table.add(
        operation + ".ftz.f32",
        FloatLoops.ternary(
            (a, b, c) -> flushed(f.of(a, b, c), DirectedRounding.ZERO.fusedMultiplyAdd(a, b, c)),
            true));
  }

  private static float flushed(float rounded, float cutOff) {
    return Math.abs(cutOff) < Float.MIN_NORMAL ? Math.copySign(0f, rounded) : rounded;
  }
}
