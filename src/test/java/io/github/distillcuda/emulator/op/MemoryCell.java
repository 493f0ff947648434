package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.low16;
import static io.github.distillcuda.emulator.op.Bits.unsigned;

import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.ptx.Operand;
import io.github.distillcuda.emulator.ptx.PtxType;

/** Moves one element between memory and a register, which may be wider than the element. */
interface MemoryCell {
  void load(Region region, int offset, Warp warp, int lane);

  void store(Region region, int offset, Warp warp, int lane);

  /** The cell for an element of this type and the register (or constant) that it goes with. */
  static MemoryCell of(PtxType type, Operand operand, Operands operands) {
    boolean isConstant = operand instanceof Operand.Immediate;
    int registerBytes = isConstant ? type.bytes() : operands.registerType(operand).bytes();
    if (registerBytes < type.bytes()) {
      throw operands.bad("the register is narrower than the element");
    }
    boolean signed = type.kind() == PtxType.Kind.SIGNED;
    if (registerBytes == Long.BYTES) {
      return new Wide(operands.wide(operand), type.bytes(), signed);
    }
    int row = operands.word(operand);
    return type.bytes() == Integer.BYTES
        ? new Word(row)
        : new Narrow(row, type.bytes(), signed, registerBytes);
  }

  /** Four bytes and a word: nearly all there is. */
  record Word(int row) implements MemoryCell {
    @Override
    public void load(Region region, int offset, Warp warp, int lane) {
      warp.words[row][lane] = region.getInt(offset);
    }

    @Override
    public void store(Region region, int offset, Warp warp, int lane) {
      region.putInt(offset, warp.words[row][lane]);
    }
  }

  /** One or two bytes and a word, of which the register uses 16 or 32 bits. */
  record Narrow(int row, int bytes, boolean signExtends, int registerBytes) implements MemoryCell {
    @Override
    public void load(Region region, int offset, Warp warp, int lane) {
      int value =
          bytes == 1
              ? signExtends ? region.getByte(offset) : region.getByte(offset) & 0xff
              : signExtends ? region.getShort(offset) : low16(region.getShort(offset));
      warp.words[row][lane] = registerBytes == Short.BYTES ? low16(value) : value;
    }

    @Override
    public void store(Region region, int offset, Warp warp, int lane) {
      int value = warp.words[row][lane];
      if (bytes == 1) {
        region.putByte(offset, value);
      } else {
        region.putShort(offset, value);
      }
    }
  }

  /** One to eight bytes and a wide. */
  record Wide(int row, int bytes, boolean signExtends) implements MemoryCell {
    @Override
    public void load(Region region, int offset, Warp warp, int lane) {
      warp.wides[row][lane] =
          switch (bytes) {
            case 1 -> signExtends ? region.getByte(offset) : region.getByte(offset) & 0xff;
            case 2 -> signExtends ? region.getShort(offset) : low16(region.getShort(offset));
            case 4 -> signExtends ? region.getInt(offset) : unsigned(region.getInt(offset));
            default -> region.getLong(offset);
          };
    }

    @Override
    public void store(Region region, int offset, Warp warp, int lane) {
      long value = warp.wides[row][lane];
      switch (bytes) {
        case 1 -> region.putByte(offset, (int) value);
        case 2 -> region.putShort(offset, (int) value);
        case 4 -> region.putInt(offset, (int) value);
        default -> region.putLong(offset, value);
      }
    }
  }
}
