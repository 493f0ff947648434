package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Traffic;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.ptx.Operand;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Loads and stores. Cache hints change nothing here: memory has no caches. What is read by the
 * read-only path must stay as it is until the launch is over.
 */
final class MemoryOps {
  private static final List<String> LOAD_HINTS = List.of("", ".ca", ".cg", ".cs", ".lu");
  private static final List<String> STORE_HINTS = List.of("", ".wb", ".cg", ".cs", ".wt");

  private MemoryOps() {}

  static void addTo(OpTable table) {
    for (PtxType type : PtxType.values()) {
      if (type.bytes() > 0) {
        for (int count = 1; count <= 4 && count * type.bytes() <= 16; count *= 2) {
          addLoads(table, type, count);
          addStores(table, type, count);
        }
      }
    }
  }

  private static void addLoads(OpTable table, PtxType type, int count) {
    String what = (count == 1 ? "." : ".v" + count + ".") + type.suffix();
    addForSpaces(
        table, "ld", LOAD_HINTS, what, (o, space) -> new Load(o, space, type, count, false));
    OpTable.ExactDecoder readOnly = o -> new Load(o, Optional.of(Space.GLOBAL), type, count, true);
    table.add("ld.global.nc" + what, readOnly);
    table.add("ld.param" + what, operands -> loadParameter(operands, type));
  }

  private static void addStores(OpTable table, PtxType type, int count) {
    String what = (count == 1 ? "." : ".v" + count + ".") + type.suffix();
    addForSpaces(table, "st", STORE_HINTS, what, (o, space) -> new Store(o, space, type, count));
  }

  private interface AccessFactory {
    WarpInstruction create(Operands operands, Optional<Space> space);
  }

  private static void addForSpaces(
      OpTable table, String verb, List<String> hints, String what, AccessFactory factory) {
    addForSpace(table, verb, "", hints, what, o -> factory.create(o, Optional.empty()));
    for (Space space : Space.values()) {
      addForSpace(
          table, verb, space.suffix(), hints, what, o -> factory.create(o, Optional.of(space)));
    }
  }

  private static void addForSpace(
      OpTable table,
      String verb,
      String space,
      List<String> hints,
      String what,
      OpTable.ExactDecoder decoder) {
    for (String hint : hints) {
      table.add(verb + space + hint + what, decoder);
    }
    table.add(verb + ".volatile" + space + what, decoder);
  }

  private static List<MemoryCell> cells(Operands operands, int index, PtxType type, int count) {
    List<MemoryCell> cells = new ArrayList<>();
    for (Operand element : operands.elements(index)) {
      cells.add(MemoryCell.of(type, element, operands));
    }
    if (cells.size() != count) {
      throw operands.bad("has " + cells.size() + " elements instead of " + count);
    }
    return cells;
  }

  /** {@code ld.global.v4.f32 {a, b, c, d}, [address]}. */
  private static final class Load extends MemoryAccess {
    private final MemoryCell[] cells;
    private final int elementBytes;
    private final boolean readOnly;

    Load(Operands operands, Optional<Space> space, PtxType type, int count, boolean readOnly) {
      super(space, operands.address(1), type.bytes() * count);
      cells = cells(operands, 0, type, count).toArray(new MemoryCell[0]);
      elementBytes = type.bytes();
      this.readOnly = readOnly;
    }

    @Override
    Traffic.Kind kind(Space accessed) {
      return accessed.loads();
    }

    @Override
    void access(Warp warp, int lane, Region region, int offset) {
      if (readOnly) {
        region.noteReadOnly(offset, width(), warp.stampOf(lane), warp.order());
      } else {
        region.noteRead(offset, width(), warp.stampOf(lane), warp.order());
      }
      for (int i = 0; i < cells.length; i++) {
        cells[i].load(region, offset + i * elementBytes, warp, lane);
      }
    }
  }

  /** {@code st.global.v4.f32 [address], {a, b, c, d}}. */
  private static final class Store extends MemoryAccess {
    private final MemoryCell[] cells;
    private final int elementBytes;

    Store(Operands operands, Optional<Space> space, PtxType type, int count) {
      super(space, operands.address(0), type.bytes() * count);
      cells = cells(operands, 1, type, count).toArray(new MemoryCell[0]);
      elementBytes = type.bytes();
    }

    @Override
    Traffic.Kind kind(Space accessed) {
      return accessed.stores();
    }

    @Override
    void access(Warp warp, int lane, Region region, int offset) {
      region.noteWrite(offset, width(), warp.stampOf(lane), warp.order());
      for (int i = 0; i < cells.length; i++) {
        cells[i].store(region, offset + i * elementBytes, warp, lane);
      }
    }
  }

  /** Parameters are the same for all lanes and cannot be missed: nothing is checked or counted. */
  private static WarpInstruction loadParameter(Operands operands, PtxType type) {
    int offset = operands.parameterOffset(1);
    List<MemoryCell> cells = cells(operands, 0, type, operands.elements(0).size());
    return (warp, lanes) -> {
      for (int i = 0; i < cells.size(); i++) {
        for (int rest = lanes; rest != 0; rest &= rest - 1) {
          int lane = Integer.numberOfTrailingZeros(rest);
          cells.get(i).load(warp.parameters(), offset + i * type.bytes(), warp, lane);
        }
      }
      return lanes;
    };
  }
}
