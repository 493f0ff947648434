package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.bits;
import static io.github.distillcuda.emulator.op.Bits.f64;

/** Arithmetic on f64, rounded to nearest. */
final class DoubleOps {
  private DoubleOps() {}

  static void addTo(OpTable table) {
    table.add("add.rn.f64", WideLoops.binary((a, b) -> bits(f64(a) + f64(b))));
    table.add("add.f64", WideLoops.binary((a, b) -> bits(f64(a) + f64(b))));
    table.add("sub.rn.f64", WideLoops.binary((a, b) -> bits(f64(a) - f64(b))));
    table.add("sub.f64", WideLoops.binary((a, b) -> bits(f64(a) - f64(b))));
    table.add("mul.rn.f64", WideLoops.binary((a, b) -> bits(f64(a) * f64(b))));
    table.add("mul.f64", WideLoops.binary((a, b) -> bits(f64(a) * f64(b))));
    table.add("fma.rn.f64", WideLoops.ternary((a, b, c) -> bits(Math.fma(f64(a), f64(b), f64(c)))));
    table.add("div.rn.f64", WideLoops.binary((a, b) -> bits(f64(a) / f64(b))));
    table.add("rcp.rn.f64", WideLoops.unary(a -> bits(1 / f64(a))));
    table.add("sqrt.rn.f64", WideLoops.unary(a -> bits(Math.sqrt(f64(a)))));
    table.add("neg.f64", WideLoops.unary(a -> bits(-f64(a))));
    table.add("abs.f64", WideLoops.unary(a -> bits(Math.abs(f64(a)))));
    table.add("max.f64", WideLoops.binary((a, b) -> bits(max(f64(a), f64(b)))));
    table.add("min.f64", WideLoops.binary((a, b) -> bits(min(f64(a), f64(b)))));
  }

  private static double max(double a, double b) {
    return a != a ? b : b != b ? a : Math.max(a, b);
  }

  private static double min(double a, double b) {
    return a != a ? b : b != b ? a : Math.min(a, b);
  }
}
