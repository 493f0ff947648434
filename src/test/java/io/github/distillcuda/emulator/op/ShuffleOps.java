package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.ptx.Operand;
import java.util.OptionalInt;

/** {@code shfl.sync}: each lane reads a register of another one. */
final class ShuffleOps {
  private ShuffleOps() {}

  /** How a lane finds the one it reads, within the segment that {@code c} describes. */
  private interface Source {
    /**
     * @param first first lane of the segment
     * @param b the instruction's operand: a distance or a lane
     * @param withinSegment the bits of a lane number that count within the segment
     */
    int of(int lane, int first, int b, int withinSegment);
  }

  static void addTo(OpTable table) {
    add(table, "up", true, (lane, first, b, within) -> lane - b);
    add(table, "down", false, (lane, first, b, within) -> lane + b);
    add(table, "bfly", false, (lane, first, b, within) -> lane ^ b);
    add(table, "idx", false, (lane, first, b, within) -> first | b & within);
  }

  private static void add(OpTable table, String mode, boolean boundIsLowest, Source source) {
    table.add("shfl.sync." + mode + ".b32", operands -> decode(operands, boundIsLowest, source));
  }

  /** {@code shfl.sync.mode.b32 d|p, a, b, c, members}; p is optional. */
  private static WarpInstruction decode(Operands operands, boolean boundIsLowest, Source source) {
    Operand value = operands.get(0);
    OptionalInt inRange = OptionalInt.empty();
    if (value instanceof Operand.Pair pair) {
      value = pair.value();
      inRange = OptionalInt.of(operands.predicate(pair.predicate()));
    }
    return new Shuffle(
        source,
        boundIsLowest,
        operands.word(value),
        inRange,
        operands.word(1),
        operands.word(2),
        operands.word(3),
        new MemberMask(operands.word(4)));
  }

  /**
   * The shuffle itself.
   *
   * @param boundIsLowest whether the bound in {@code c} is the segment's first lane, not its last
   * @param inRange the predicate that says whether the source lay within the segment
   */
  private record Shuffle(
      Source source,
      boolean boundIsLowest,
      int to,
      OptionalInt inRange,
      int a,
      int b,
      int c,
      MemberMask mask)
      implements WarpInstruction {
    @Override
    public int execute(Warp warp, int lanes) {
      if (!mask.allPresent(warp, lanes)) {
        return 0;
      }
      int sourcesInRange = 0;
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        int lane = Integer.numberOfTrailingZeros(rest);
        int from = sourceOf(warp, lane);
        if (from >= 0) {
          checkPresent(from, lane, mask.of(warp, lane));
          sourcesInRange |= 1 << lane;
        }
        warp.results[lane] = warp.words[a][from >= 0 ? from : lane];
      }
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        int lane = Integer.numberOfTrailingZeros(rest);
        warp.words[to][lane] = warp.results[lane];
      }
      if (inRange.isPresent()) {
        int predicate = inRange.getAsInt();
        warp.predicates[predicate] =
            BitOps.select(lanes, sourcesInRange, warp.predicates[predicate]);
      }
      return lanes;
    }

    /** The lane to read, or -1 if it lies outside the segment: then a lane reads itself. */
    private int sourceOf(Warp warp, int lane) {
      int bound = warp.words[c][lane] & 31;
      int segment = warp.words[c][lane] >>> 8 & 31;
      int first = lane & segment;
      int last = first | bound & ~segment;
      int from = source.of(lane, first, warp.words[b][lane] & 31, ~segment & 31);
      boolean inSegment = boundIsLowest ? from >= last : from <= last;
      return inSegment ? from : -1;
    }

    private static void checkPresent(int from, int lane, int members) {
      if ((members >>> from & 1) == 0) {
        throw EmulatorFault.ofLane(
            FaultKind.ABSENT_LANE,
            lane,
            "reads lane %d, which the member mask %08x does not name".formatted(from, members));
      }
    }
  }
}
