package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import java.util.function.IntToLongFunction;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/** As {@link WordLoops}, for operations that make or compare a wide (64 bits). */
final class WideLoops {
  private WideLoops() {}

  interface WideTernaryOperator {
    long of(long a, long b, long c);
  }

  interface ShiftOperator {
    long of(long a, int b);
  }

  interface ProductOperator {
    long of(int a, int b);
  }

  interface ProductSumOperator {
    long of(int a, int b, long c);
  }

  interface WideRelation {
    boolean of(long a, long b);
  }

  static OpTable.ExactDecoder unary(LongUnaryOperator f) {
    OwnCopy copy = new OwnCopy(Unary.class);
    return o -> copy.create(f, o.wide(0), o.wide(1));
  }

  static OpTable.ExactDecoder binary(LongBinaryOperator f) {
    OwnCopy copy = new OwnCopy(Binary.class);
    return o -> copy.create(f, o.wide(0), o.wide(1), o.wide(2));
  }

  static OpTable.ExactDecoder ternary(WideTernaryOperator f) {
    OwnCopy copy = new OwnCopy(Ternary.class);
    return o -> copy.create(f, o.wide(0), o.wide(1), o.wide(2), o.wide(3));
  }

  static OpTable.ExactDecoder shift(ShiftOperator f) {
    OwnCopy copy = new OwnCopy(Shift.class);
    return o -> copy.create(f, o.wide(0), o.wide(1), o.word(2));
  }

  static OpTable.ExactDecoder fromWord(IntToLongFunction f) {
    OwnCopy copy = new OwnCopy(FromWord.class);
    return o -> copy.create(f, o.wide(0), o.word(1));
  }

  static OpTable.ExactDecoder product(ProductOperator f) {
    OwnCopy copy = new OwnCopy(Product.class);
    return o -> copy.create(f, o.wide(0), o.word(1), o.word(2));
  }

  static OpTable.ExactDecoder productSum(ProductSumOperator f) {
    OwnCopy copy = new OwnCopy(ProductSum.class);
    return o -> copy.create(f, o.wide(0), o.word(1), o.word(2), o.wide(3));
  }

  static OpTable.ExactDecoder relation(WideRelation f) {
    OwnCopy copy = new OwnCopy(Relation.class);
    return o -> copy.create(f, o.predicate(0), o.wide(1), o.wide(2));
  }

  /** {@code to = f(a)}. */
  static final class Unary {
    static WarpInstruction loop(LongUnaryOperator f, int to, int a) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        long[] x = warp.wides[a];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.applyAsLong(x[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.applyAsLong(x[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b)}. */
  static final class Binary {
    static WarpInstruction loop(LongBinaryOperator f, int to, int a, int b) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        long[] x = warp.wides[a];
        long[] y = warp.wides[b];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.applyAsLong(x[lane], y[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.applyAsLong(x[lane], y[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b, c)}. */
  static final class Ternary {
    static WarpInstruction loop(WideTernaryOperator f, int to, int a, int b, int c) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        long[] x = warp.wides[a];
        long[] y = warp.wides[b];
        long[] z = warp.wides[c];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.of(x[lane], y[lane], z[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.of(x[lane], y[lane], z[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b)} of a word b. */
  static final class Shift {
    static WarpInstruction loop(ShiftOperator f, int to, int a, int b) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        long[] x = warp.wides[a];
        int[] y = warp.words[b];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.of(x[lane], y[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.of(x[lane], y[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a)} of a word a. */
  static final class FromWord {
    static WarpInstruction loop(IntToLongFunction f, int to, int a) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        int[] x = warp.words[a];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.applyAsLong(x[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.applyAsLong(x[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b)} of words. */
  static final class Product {
    static WarpInstruction loop(ProductOperator f, int to, int a, int b) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.of(x[lane], y[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.of(x[lane], y[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b, c)} of words a and b. */
  static final class ProductSum {
    static WarpInstruction loop(ProductSumOperator f, int to, int a, int b, int c) {
      return (warp, lanes) -> {
        long[] result = warp.wides[to];
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        long[] z = warp.wides[c];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.of(x[lane], y[lane], z[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.of(x[lane], y[lane], z[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** The predicate {@code to = f(a, b)}. */
  static final class Relation {
    static WarpInstruction loop(WideRelation f, int to, int a, int b) {
      return (warp, lanes) -> {
        long[] x = warp.wides[a];
        long[] y = warp.wides[b];
        int holds = 0;
        for (int rest = lanes; rest != 0; rest &= rest - 1) {
          int lane = Integer.numberOfTrailingZeros(rest);
          if (f.of(x[lane], y[lane])) {
            holds |= 1 << lane;
          }
        }
        warp.predicates[to] = warp.predicates[to] & ~lanes | holds;
        return lanes;
      };
    }
  }
}
