package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.bits;
import static io.github.distillcuda.emulator.op.Bits.f32;
import static io.github.distillcuda.emulator.op.Bits.f64;

import io.github.distillcuda.emulator.machine.Traffic;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.memory.AddressSpace;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.op.WideLoops.WideTernaryOperator;
import io.github.distillcuda.emulator.op.WordLoops.WordTernaryOperator;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;

/**
 * Atomic read-modify-writes: {@code atom}, which gives the old value back, and {@code red}, which
 * does not. The lanes of a warp take their turns in the launch's order.
 */
final class AtomicOps {
  private AtomicOps() {}

  static void addTo(OpTable table) {
    word(table, "add", "u32", (old, a) -> old + a);
    word(table, "add", "s32", (old, a) -> old + a);
    word(table, "min", "s32", Math::min);
    word(table, "max", "s32", Math::max);
    word(table, "min", "u32", (old, a) -> Integer.compareUnsigned(a, old) < 0 ? a : old);
    word(table, "max", "u32", (old, a) -> Integer.compareUnsigned(a, old) > 0 ? a : old);
    word(table, "inc", "u32", (old, a) -> Integer.compareUnsigned(old, a) >= 0 ? 0 : old + 1);
    word(table, "and", "b32", (old, a) -> old & a);
    word(table, "or", "b32", (old, a) -> old | a);
    word(table, "xor", "b32", (old, a) -> old ^ a);
    word(table, "exch", "b32", (old, a) -> a);
    word(table, "add", "f32", (old, a) -> bits(f32(old) + f32(a)));
    wide(table, "add", "u64", (old, a) -> old + a);
    wide(table, "min", "s64", Math::min);
    wide(table, "max", "s64", Math::max);
    wide(table, "min", "u64", (old, a) -> Long.compareUnsigned(a, old) < 0 ? a : old);
    wide(table, "max", "u64", (old, a) -> Long.compareUnsigned(a, old) > 0 ? a : old);
    wide(table, "exch", "b64", (old, a) -> a);
    wide(table, "add", "f64", (old, a) -> bits(f64(old) + f64(a)));
    wordCas(table, (old, expected, a) -> old == expected ? a : old);
    wideCas(table, (old, expected, a) -> old == expected ? a : old);
  }

  private static void word(OpTable table, String operation, String type, IntBinaryOperator f) {
    WordTernaryOperator update = (old, a, unused) -> f.applyAsInt(old, a);
    addForSpaces(
        table,
        operation + "." + type,
        (operands, space, first) ->
            new WordAtomic(operands, space, first, update, operands.word(first + 1)));
  }

  private static void wide(OpTable table, String operation, String type, LongBinaryOperator f) {
    WideTernaryOperator update = (old, a, unused) -> f.applyAsLong(old, a);
    addForSpaces(
        table,
        operation + "." + type,
        (operands, space, first) ->
            new WideAtomic(operands, space, first, update, operands.wide(first + 1)));
  }

  /** {@code atom.cas old, [address], expected, new}. */
  private static void wordCas(OpTable table, WordTernaryOperator update) {
    addForSpaces(
        table,
        "cas.b32",
        (operands, space, first) ->
            new WordAtomic(operands, space, first, update, operands.word(first + 2)));
  }

  private static void wideCas(OpTable table, WideTernaryOperator update) {
    addForSpaces(
        table,
        "cas.b64",
        (operands, space, first) ->
            new WideAtomic(operands, space, first, update, operands.wide(first + 2)));
  }

  private interface AtomicFactory {
    /**
     * @param first the position of the address among the operands
     */
    Atomic create(Operands operands, Optional<Space> space, int first);
  }

  private static void addForSpaces(OpTable table, String operation, AtomicFactory factory) {
    for (String space : new String[] {".global.", ".shared.", "."}) {
      Optional<Space> named =
          switch (space) {
            case ".global." -> Optional.of(Space.GLOBAL);
            case ".shared." -> Optional.of(Space.SHARED);
            default -> Optional.empty();
          };
      table.add("atom" + space + operation, o -> factory.create(o, named, 1));
      if (!operation.startsWith("exch") && !operation.startsWith("cas")) {
        table.add("red" + space + operation, o -> factory.create(o, named, 0));
      }
    }
  }

  /** What word and wide atomics share. */
  private abstract static class Atomic extends MemoryAccess {
    Atomic(Operands operands, Optional<Space> space, int first, int width) {
      super(space, operands.address(first), width);
    }

    @Override
    final Traffic.Kind kind(Space accessed) {
      return accessed == Space.SHARED ? Traffic.Kind.SHARED_ATOMIC : Traffic.Kind.GLOBAL_ATOMIC;
    }

    @Override
    final void accessLanes(Warp warp, int lanes, AddressSpace memory) {
      for (int lane : warp.laneOrder()) {
        if ((lanes >>> lane & 1) != 0) {
          accessLane(warp, lane, memory);
        }
      }
    }

    @Override
    final void access(Warp warp, int lane, Region region, int offset) {
      region.noteUpdate(offset, width(), warp.stampOf(lane), warp.order());
      update(warp, lane, region, offset);
    }

    abstract void update(Warp warp, int lane, Region region, int offset);
  }

  private static final class WordAtomic extends Atomic {
    private final WordTernaryOperator update;
    private final OptionalInt old;
    private final int a;
    private final int b;

    WordAtomic(
        Operands operands, Optional<Space> space, int first, WordTernaryOperator update, int b) {
      super(operands, space, first, Integer.BYTES);
      this.update = update;
      this.old = first == 0 ? OptionalInt.empty() : OptionalInt.of(operands.word(0));
      this.a = operands.word(first + 1);
      this.b = b;
    }

    @Override
    void update(Warp warp, int lane, Region region, int offset) {
      int before = region.getInt(offset);
      region.putInt(offset, update.of(before, warp.words[a][lane], warp.words[b][lane]));
      if (old.isPresent()) {
        warp.words[old.getAsInt()][lane] = before;
      }
    }
  }

  private static final class WideAtomic extends Atomic {
    private final WideTernaryOperator update;
    private final OptionalInt old;
    private final int a;
    private final int b;

    WideAtomic(
        Operands operands, Optional<Space> space, int first, WideTernaryOperator update, int b) {
      super(operands, space, first, Long.BYTES);
      this.update = update;
      this.old = first == 0 ? OptionalInt.empty() : OptionalInt.of(operands.wide(0));
      this.a = operands.wide(first + 1);
      this.b = b;
    }

    @Override
    void update(Warp warp, int lane, Region region, int offset) {
      long before = region.getLong(offset);
      region.putLong(offset, update.of(before, warp.wides[a][lane], warp.wides[b][lane]));
      if (old.isPresent()) {
        warp.wides[old.getAsInt()][lane] = before;
      }
    }
  }
}
