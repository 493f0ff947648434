package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import java.util.function.Function;

/**
 * As {@link WordLoops}, for functions of floats. With {@code ftz} subnormal arguments and results
 * count as 0.
 */
final class FloatLoops {
  private FloatLoops() {}

  interface FloatUnaryOperator {
    float of(float a);
  }

  interface FloatBinaryOperator {
    float of(float a, float b);
  }

  interface FloatTernaryOperator {
    float of(float a, float b, float c);
  }

  interface FloatRelation {
    boolean of(float a, float b);
  }

  static OpTable.ExactDecoder unary(FloatUnaryOperator f, boolean ftz) {
    OwnCopy copy = new OwnCopy(Unary.class);
    return o -> copy.create(f, ftz, o.word(0), o.word(1));
  }

  static OpTable.ExactDecoder binary(FloatBinaryOperator f, boolean ftz) {
    OwnCopy copy = new OwnCopy(Binary.class);
    return o -> copy.create(f, ftz, o.word(0), o.word(1), o.word(2));
  }

  static OpTable.ExactDecoder ternary(FloatTernaryOperator f, boolean ftz) {
    OwnCopy copy = new OwnCopy(Ternary.class);
    return o -> copy.create(f, ftz, o.word(0), o.word(1), o.word(2), o.word(3));
  }

  static OpTable.ExactDecoder relation(FloatRelation f, boolean ftz) {
    OwnCopy copy = new OwnCopy(Relation.class);
    return o -> copy.create(f, ftz, o.predicate(0), o.word(1), o.word(2));
  }

  static OpTable.Decoder unaryApproximate(
      Function<Approximation, FloatUnaryOperator> f, boolean ftz) {
    OwnCopy copy = new OwnCopy(Unary.class);
    return (o, approximation) -> copy.create(f.apply(approximation), ftz, o.word(0), o.word(1));
  }

  static OpTable.Decoder binaryApproximate(
      Function<Approximation, FloatBinaryOperator> f, boolean ftz) {
    OwnCopy copy = new OwnCopy(Binary.class);
    return (o, approximation) ->
        copy.create(f.apply(approximation), ftz, o.word(0), o.word(1), o.word(2));
  }

  static float in(int bits, boolean ftz) {
    float value = Bits.f32(bits);
    return ftz ? Bits.flush(value) : value;
  }

  static int out(float value, boolean ftz) {
    return Bits.bits(ftz ? Bits.flush(value) : value);
  }

  /** {@code to = f(a)}. */
  static final class Unary {
    static WarpInstruction loop(FloatUnaryOperator f, boolean ftz, int to, int a) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        int[] x = warp.words[a];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = out(f.of(in(x[lane], ftz)), ftz);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = out(f.of(in(x[lane], ftz)), ftz);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b)}. */
  static final class Binary {
    static WarpInstruction loop(FloatBinaryOperator f, boolean ftz, int to, int a, int b) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = out(f.of(in(x[lane], ftz), in(y[lane], ftz)), ftz);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = out(f.of(in(x[lane], ftz), in(y[lane], ftz)), ftz);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b, c)}. */
  static final class Ternary {
    static WarpInstruction loop(FloatTernaryOperator f, boolean ftz, int to, int a, int b, int c) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        int[] z = warp.words[c];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = out(f.of(in(x[lane], ftz), in(y[lane], ftz), in(z[lane], ftz)), ftz);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = out(f.of(in(x[lane], ftz), in(y[lane], ftz), in(z[lane], ftz)), ftz);
          }
        }
        return lanes;
      };
    }
  }

  /** The predicate {@code to = f(a, b)}. */
  static final class Relation {
    static WarpInstruction loop(FloatRelation f, boolean ftz, int to, int a, int b) {
      return (warp, lanes) -> {
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        int holds = 0;
        for (int rest = lanes; rest != 0; rest &= rest - 1) {
          int lane = Integer.numberOfTrailingZeros(rest);
          if (f.of(in(x[lane], ftz), in(y[lane], ftz))) {
            holds |= 1 << lane;
          }
        }
        warp.predicates[to] = warp.predicates[to] & ~lanes | holds;
        return lanes;
      };
    }
  }
}
