package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.low16;
import static io.github.distillcuda.emulator.op.Bits.unsigned;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.memory.AddressMap;
import io.github.distillcuda.emulator.ptx.Operand;
import java.util.List;

/** Moves between registers, packing and unpacking them, and between kinds of address. */
final class MoveOps {
  private MoveOps() {}

  static void addTo(OpTable table) {
    OpTable.ExactDecoder word = WordLoops.unary(a -> a);
    OpTable.ExactDecoder wide = WideLoops.unary(a -> a);
    for (String type : new String[] {"b16", "u16", "s16", "u32", "s32", "f32"}) {
      table.add("mov." + type, word);
    }
    for (String type : new String[] {"u64", "s64", "f64"}) {
      table.add("mov." + type, wide);
    }
    table.add(
        "mov.b32", operands -> isVector(operands) ? packed32(operands) : word.decode(operands));
    table.add(
        "mov.b64", operands -> isVector(operands) ? packed64(operands) : wide.decode(operands));
    table.add("mov.pred", MoveOps::movePredicate);
    table.add("mapa.shared::cluster.u32", MoveOps::mapToCluster);
    addAddressConversions(table, "global", 0);
    addAddressConversions(table, "shared", AddressMap.SHARED_WINDOW);
    addAddressConversions(table, "local", AddressMap.LOCAL_WINDOW);
  }

  private static void addAddressConversions(OpTable table, String space, long window) {
    table.add("cvta." + space + ".u64", WideLoops.unary(a -> a + window));
    table.add("cvta.to." + space + ".u64", WideLoops.unary(a -> a - window));
  }

  /** {@code mapa to, address, rank}: where another block of the cluster has the same variable. */
  private static WarpInstruction mapToCluster(Operands operands) {
    int to = operands.word(0);
    int address = operands.word(1);
    int rank = operands.word(2);
    return forEachLane(
        (warp, lane) -> {
          int block = warp.words[rank][lane];
          if (block < 0 || block >= warp.clusterSize()) {
            throw EmulatorFault.ofLane(
                FaultKind.WILD_ADDRESS, lane, "the cluster has no block of rank " + block);
          }
          warp.words[to][lane] =
              (int) AddressMap.clusterAddress(unsigned(warp.words[address][lane]), block);
        });
  }

  private static boolean isVector(Operands operands) {
    return operands.get(0) instanceof Operand.Vector || operands.get(1) instanceof Operand.Vector;
  }

  /** {@code mov.b32 {low, high}, word} and {@code mov.b32 word, {low, high}} of 16-bit halves. */
  private static WarpInstruction packed32(Operands operands) {
    if (operands.get(0) instanceof Operand.Vector(List<Operand> halves)) {
      int low = operands.word(halves.get(0));
      int high = operands.word(halves.get(1));
      int from = operands.word(1);
      return forEachLane(
          (warp, lane) -> {
            int bits = warp.words[from][lane];
            warp.words[low][lane] = low16(bits);
            warp.words[high][lane] = bits >>> 16;
          });
    }
    List<Operand> halves = operands.elements(1);
    int to = operands.word(0);
    int low = operands.word(halves.get(0));
    int high = operands.word(halves.get(1));
    return forEachLane(
        (warp, lane) ->
            warp.words[to][lane] = low16(warp.words[low][lane]) | warp.words[high][lane] << 16);
  }

  /** {@code mov.b64 {low, high}, wide} and {@code mov.b64 wide, {low, high}} of 32-bit halves. */
  private static WarpInstruction packed64(Operands operands) {
    if (operands.get(0) instanceof Operand.Vector(List<Operand> halves)) {
      int low = operands.word(halves.get(0));
      int high = operands.word(halves.get(1));
      int from = operands.wide(1);
      return forEachLane(
          (warp, lane) -> {
            long bits = warp.wides[from][lane];
            warp.words[low][lane] = (int) bits;
            warp.words[high][lane] = (int) (bits >>> 32);
          });
    }
    List<Operand> halves = operands.elements(1);
    int to = operands.wide(0);
    int low = operands.word(halves.get(0));
    int high = operands.word(halves.get(1));
    return forEachLane(
        (warp, lane) ->
            warp.wides[to][lane] =
                unsigned(warp.words[low][lane]) | (long) warp.words[high][lane] << 32);
  }

  private static WarpInstruction movePredicate(Operands operands) {
    int to = operands.predicate(0);
    int from = operands.predicate(1);
    return (warp, lanes) -> {
      warp.predicates[to] = BitOps.select(lanes, warp.predicates[from], warp.predicates[to]);
      return lanes;
    };
  }

  private interface LaneAction {
    void run(Warp warp, int lane);
  }

  private static WarpInstruction forEachLane(LaneAction action) {
    return (warp, lanes) -> {
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        action.run(warp, Integer.numberOfTrailingZeros(rest));
      }
      return lanes;
    };
  }
}
