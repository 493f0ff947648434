package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.Warp;

/**
 * The operand of a warp-wide instruction that says who takes part. Each lane may name a set of its
 * own, such as the half of the warp that it is in; all members of a set must name the same set, and
 * must be here.
 *
 * <p>CUDA lets a mask name lanes that have ended. That is nearly always a mistake, and what such a
 * lane's value is stays open, so it is a fault here.
 */
record MemberMask(int row) {
  /**
   * Checks the masks of the executing lanes.
   *
   * @return false if members are missing that may still come: the instruction is tried again later
   */
  boolean allPresent(Warp warp, int lanes) {
    int[] masks = warp.words[row];
    int named = 0;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      named |= masks[Integer.numberOfTrailingZeros(rest)];
    }
    if (!warp.gather(named, lanes, FaultKind.ABSENT_LANE)) {
      return false;
    }
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      checkAgreement(masks, lane, lanes);
    }
    return true;
  }

  int of(Warp warp, int lane) {
    return warp.words[row][lane];
  }

  private static void checkAgreement(int[] masks, int lane, int lanes) {
    int mask = masks[lane];
    if ((mask >>> lane & 1) == 0) {
      throw EmulatorFault.ofLane(
          FaultKind.ABSENT_LANE,
          lane,
          "the member mask %08x does not name the lane that executes it".formatted(mask));
    }
    for (int others = mask & lanes; others != 0; others &= others - 1) {
      int other = Integer.numberOfTrailingZeros(others);
      if (masks[other] != mask) {
        throw EmulatorFault.ofLane(
            FaultKind.ABSENT_LANE,
            lane,
            "the member mask %08x names lane %d, whose own mask is %08x"
                .formatted(mask, other, masks[other]));
      }
    }
  }
}
