package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.ptx.Operand;
import java.util.function.IntBinaryOperator;

/** Votes, matches, reductions and barriers among the lanes of a warp. */
final class WarpOps {
  private WarpOps() {}

  static void addTo(OpTable table) {
    ShuffleOps.addTo(table);
    addVotes(table);
    table.add("match.any.sync.b32", WarpOps::matchAnyWord);
    table.add("match.any.sync.b64", WarpOps::matchAnyWide);
    reduction(table, "add.s32", (a, b) -> a + b);
    reduction(table, "add.u32", (a, b) -> a + b);
    reduction(table, "min.s32", Math::min);
    reduction(table, "max.s32", Math::max);
    reduction(table, "min.u32", (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b);
    reduction(table, "max.u32", (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b);
    reduction(table, "and.b32", (a, b) -> a & b);
    reduction(table, "or.b32", (a, b) -> a | b);
    reduction(table, "xor.b32", (a, b) -> a ^ b);
    table.add("bar.warp.sync", WarpOps::warpBarrier);
    table.add("activemask.b32", WarpOps::activeMask);
  }

  /** What a lane gets out of the registers of all the lanes that its mask names. */
  interface LaneResult {
    int of(Warp warp, int lane, int members);
  }

  /** Waits for the members, then works out every lane's result before it writes the first. */
  private static WarpInstruction amongMembers(int to, MemberMask mask, LaneResult result) {
    return (warp, lanes) -> {
      if (!mask.allPresent(warp, lanes)) {
        return 0;
      }
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        int lane = Integer.numberOfTrailingZeros(rest);
        warp.results[lane] = result.of(warp, lane, mask.of(warp, lane));
      }
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        int lane = Integer.numberOfTrailingZeros(rest);
        warp.words[to][lane] = warp.results[lane];
      }
      return lanes;
    };
  }

  // ---- votes ----

  private interface Vote {
    boolean passes(int inFavour, int members);
  }

  private static void addVotes(OpTable table) {
    vote(table, "any", (inFavour, members) -> inFavour != 0);
    vote(table, "all", (inFavour, members) -> inFavour == members);
    vote(table, "uni", (inFavour, members) -> inFavour == 0 || inFavour == members);
    table.add(
        "vote.sync.ballot.b32",
        operands -> {
          Ballot ballot = Ballot.of(operands);
          return amongMembers(
              operands.word(0),
              new MemberMask(operands.word(2)),
              (warp, lane, members) -> ballot.inFavour(warp) & members);
        });
  }

  private static void vote(OpTable table, String name, Vote vote) {
    table.add(
        "vote.sync." + name + ".pred",
        operands -> {
          int to = operands.predicate(0);
          Ballot ballot = Ballot.of(operands);
          MemberMask mask = new MemberMask(operands.word(2));
          return (warp, lanes) -> {
            if (!mask.allPresent(warp, lanes)) {
              return 0;
            }
            int passed = 0;
            for (int rest = lanes; rest != 0; rest &= rest - 1) {
              int lane = Integer.numberOfTrailingZeros(rest);
              int members = mask.of(warp, lane);
              if (vote.passes(ballot.inFavour(warp) & members, members)) {
                passed |= 1 << lane;
              }
            }
            warp.predicates[to] = BitOps.select(lanes, passed, warp.predicates[to]);
            return lanes;
          };
        });
  }

  /**
   * What each lane votes: a predicate, or its opposite.
   *
   * @param flip all ones for the opposite
   */
  private record Ballot(int predicate, int flip) {
    static Ballot of(Operands operands) {
      return operands.get(1) instanceof Operand.Negated(Operand positive)
          ? new Ballot(operands.predicate(positive), -1)
          : new Ballot(operands.predicate(1), 0);
    }

    int inFavour(Warp warp) {
      return warp.predicates[predicate] ^ flip;
    }
  }

  // ---- matches and reductions ----

  /** The members whose value equals the lane's own. */
  private static WarpInstruction matchAnyWord(Operands operands) {
    int value = operands.word(1);
    return amongMembers(
        operands.word(0),
        new MemberMask(operands.word(2)),
        (warp, lane, members) -> {
          int[] values = warp.words[value];
          int equal = 0;
          for (int rest = members; rest != 0; rest &= rest - 1) {
            int other = Integer.numberOfTrailingZeros(rest);
            equal |= values[other] == values[lane] ? 1 << other : 0;
          }
          return equal;
        });
  }

  private static WarpInstruction matchAnyWide(Operands operands) {
    int value = operands.wide(1);
    return amongMembers(
        operands.word(0),
        new MemberMask(operands.word(2)),
        (warp, lane, members) -> {
          long[] values = warp.wides[value];
          int equal = 0;
          for (int rest = members; rest != 0; rest &= rest - 1) {
            int other = Integer.numberOfTrailingZeros(rest);
            equal |= values[other] == values[lane] ? 1 << other : 0;
          }
          return equal;
        });
  }

  private static void reduction(OpTable table, String operation, IntBinaryOperator f) {
    table.add(
        "redux.sync." + operation,
        operands -> {
          int value = operands.word(1);
          return amongMembers(
              operands.word(0),
              new MemberMask(operands.word(2)),
              (warp, lane, members) -> {
                int[] values = warp.words[value];
                int result = values[Integer.numberOfTrailingZeros(members)];
                for (int rest = members & members - 1; rest != 0; rest &= rest - 1) {
                  result = f.applyAsInt(result, values[Integer.numberOfTrailingZeros(rest)]);
                }
                return result;
              });
        });
  }

  // ---- barriers ----

  private static WarpInstruction warpBarrier(Operands operands) {
    MemberMask mask = new MemberMask(operands.word(0));
    return (warp, lanes) -> {
      if (!mask.allPresent(warp, lanes)) {
        return 0;
      }
      warp.passWarpBarrier(mask.of(warp, Integer.numberOfTrailingZeros(lanes)));
      return lanes;
    };
  }

  private static WarpInstruction activeMask(Operands operands) {
    int to = operands.word(0);
    return (warp, lanes) -> {
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        warp.words[to][Integer.numberOfTrailingZeros(rest)] = lanes;
      }
      return lanes;
    };
  }
}
