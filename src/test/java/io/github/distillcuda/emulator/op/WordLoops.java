package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongToIntFunction;

/**
 * Loops over the lanes of a warp that make a word (up to 32 bits) or a predicate. Each is written
 * twice: for all lanes, which vectorises, and for some of them.
 *
 * <p>The factories give every operation a copy of its own: see {@link OwnCopy}.
 */
final class WordLoops {
  private WordLoops() {}

  interface WordTernaryOperator {
    int of(int a, int b, int c);
  }

  interface WordRelation {
    boolean of(int a, int b);
  }

  static OpTable.ExactDecoder unary(IntUnaryOperator f) {
    OwnCopy copy = new OwnCopy(Unary.class);
    return o -> copy.create(f, o.word(0), o.word(1));
  }

  static OpTable.ExactDecoder binary(IntBinaryOperator f) {
    OwnCopy copy = new OwnCopy(Binary.class);
    return o -> copy.create(f, o.word(0), o.word(1), o.word(2));
  }

  static OpTable.ExactDecoder ternary(WordTernaryOperator f) {
    OwnCopy copy = new OwnCopy(Ternary.class);
    return o -> copy.create(f, o.word(0), o.word(1), o.word(2), o.word(3));
  }

  static OpTable.ExactDecoder fromWide(LongToIntFunction f) {
    OwnCopy copy = new OwnCopy(FromWide.class);
    return o -> copy.create(f, o.word(0), o.wide(1));
  }

  static OpTable.ExactDecoder relation(WordRelation f) {
    OwnCopy copy = new OwnCopy(Relation.class);
    return o -> copy.create(f, o.predicate(0), o.word(1), o.word(2));
  }

  /** {@code to = f(a)}. */
  static final class Unary {
    static WarpInstruction loop(IntUnaryOperator f, int to, int a) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        int[] x = warp.words[a];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.applyAsInt(x[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.applyAsInt(x[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b)}. */
  static final class Binary {
    static WarpInstruction loop(IntBinaryOperator f, int to, int a, int b) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.applyAsInt(x[lane], y[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.applyAsInt(x[lane], y[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** {@code to = f(a, b, c)}. */
  static final class Ternary {
    static WarpInstruction loop(WordTernaryOperator f, int to, int a, int b, int c) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        int[] x = warp.words[a];
        int[] y = warp.words[b];
        int[] z = warp.words[c];
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

  /** {@code to = f(a)} of a wide a. */
  static final class FromWide {
    static WarpInstruction loop(LongToIntFunction f, int to, int a) {
      return (warp, lanes) -> {
        int[] result = warp.words[to];
        long[] x = warp.wides[a];
        if (lanes == Warp.ALL_LANES) {
          for (int lane = 0; lane < Warp.SIZE; lane++) {
            result[lane] = f.applyAsInt(x[lane]);
          }
        } else {
          for (int rest = lanes; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            result[lane] = f.applyAsInt(x[lane]);
          }
        }
        return lanes;
      };
    }
  }

  /** The predicate {@code to = f(a, b)}. */
  static final class Relation {
    static WarpInstruction loop(WordRelation f, int to, int a, int b) {
      return (warp, lanes) -> {
        int[] x = warp.words[a];
        int[] y = warp.words[b];
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
