package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;

/** Branches, ends and block barriers. */
final class ControlOps {
  private ControlOps() {}

  static void addTo(OpTable table) {
    table.add("bra", operands -> new Jump(operands.target(0)));
    table.add("bra.uni", operands -> new Jump(operands.target(0)));
    table.add("ret", operands -> ControlOps::end);
    table.add("exit", operands -> ControlOps::end);
    table.add("trap", operands -> ControlOps::trap);
    table.add("bar.sync", ControlOps::blockBarrier);
    table.add("barrier.sync", ControlOps::blockBarrier);
    for (String arrival : new String[] {"", ".release"}) {
      table.add(
          "barrier.cluster.arrive" + arrival,
          operands ->
              (warp, lanes) -> {
                warp.arriveAtCluster(lanes);
                return 0;
              });
    }
    for (String wait : new String[] {"", ".acquire"}) {
      table.add(
          "barrier.cluster.wait" + wait,
          operands ->
              (warp, lanes) -> {
                warp.waitForCluster(lanes);
                return 0;
              });
    }
    // Memory is sequentially consistent here, and a fence alone orders no two threads.
    for (String scope : new String[] {"cta", "gl", "sys"}) {
      table.add("membar." + scope, operands -> (warp, lanes) -> lanes);
    }
  }

  /** {@code bra} without a guard. */
  record Jump(int target) implements WarpInstruction {
    @Override
    public int execute(Warp warp, int lanes) {
      warp.jump(target, lanes);
      return 0;
    }
  }

  /**
   * {@code @p bra}.
   *
   * @param flip all ones for {@code @!p}
   */
  record Branch(int predicate, int flip, int target) implements WarpInstruction {
    @Override
    public int execute(Warp warp, int lanes) {
      int taken = lanes & (warp.predicates[predicate] ^ flip);
      int others = lanes & ~taken;
      if (taken != 0) {
        warp.jump(target, taken);
        if (others != 0) {
          warp.countDivergentBranch();
        }
      }
      return others;
    }
  }

  /**
   * Any other instruction behind {@code @p}.
   *
   * @param flip all ones for {@code @!p}
   */
  record Guarded(int predicate, int flip, WarpInstruction operation) implements WarpInstruction {
    @Override
    public int execute(Warp warp, int lanes) {
      int guarded = lanes & (warp.predicates[predicate] ^ flip);
      int others = lanes & ~guarded;
      return guarded == 0 ? others : operation.execute(warp, guarded) | others;
    }
  }

  private static int end(Warp warp, int lanes) {
    warp.end(lanes);
    return 0;
  }

  private static int trap(Warp warp, int lanes) {
    throw EmulatorFault.ofLane(
        FaultKind.TRAP, Integer.numberOfTrailingZeros(lanes), "the kernel stops itself");
  }

  private static WarpInstruction blockBarrier(Operands operands) {
    if (operands.count() != 1 || operands.immediate(0) != 0) {
      throw operands.bad("only barrier 0 of the whole block is modelled");
    }
    return (warp, lanes) -> {
      warp.waitForBlock(lanes);
      return 0;
    };
  }
}
