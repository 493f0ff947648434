package io.github.distillcuda.emulator.ptx;

import java.util.List;

/** What an instruction works on, as written. */
public sealed interface Operand {
  /** A declared register (unique within its entry) or a special one such as {@code %tid.x}. */
  record Register(String name) implements Operand {}

  /** A number; {@code 0f3F800000} and {@code 0d3FF0000000000000} are kept as the bits they are. */
  record Immediate(long bits) implements Operand {}

  /** A variable, which stands for its address, or a label. */
  record Symbol(String name) implements Operand {}

  /** {@code [base+offset]}. */
  record Address(Operand base, long offset) implements Operand {}

  /** {@code {a, b, c, d}}. */
  record Vector(List<Operand> elements) implements Operand {}

  /** {@code value|predicate}: both results of a shuffle. */
  record Pair(Operand value, Operand predicate) implements Operand {}

  /** {@code !p} as an input. */
  record Negated(Operand predicate) implements Operand {}
}
