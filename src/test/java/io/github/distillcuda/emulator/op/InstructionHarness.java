package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.PtxModule;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.Arrays;
import java.util.List;

/** Runs one instruction on many arguments, one thread each, through a kernel written for it. */
final class InstructionHarness {
  static final String SYMBOL = "one";
  static final int BLOCK = 128;
  private static final int SLOT = Long.BYTES;
  private static final String LEAST_TARGET = ".version 7.0\n.target sm_75\n";

  private InstructionHarness() {}

  /** The raw bits of the results. */
  static long[] run(VectorCase instruction, Approximation approximation) {
    List<long[]> arguments = instruction.arguments();
    long[] flat = arguments.stream().flatMapToLong(Arrays::stream).toArray();
    EmulatedMemory memory = new EmulatedMemory();
    Region input = memory.allocate("input", SLOT * flat.length);
    Region output = memory.allocate("output", SLOT * arguments.size());
    input.hostWrite(0, HostBytes.of(flat));
    Launch.of(PtxModule.parse(kernelFor(instruction, LEAST_TARGET)).kernel(SYMBOL))
        .grid((arguments.size() + BLOCK - 1) / BLOCK)
        .block(BLOCK)
        .arguments(input, output, arguments.size())
        .approximation(approximation)
        .run(memory);
    return HostBytes.toLongs(output.hostRead(0, output.size()));
  }

  /**
   * The kernel {@link #SYMBOL}(input, output, count) that runs the instruction.
   *
   * @param target PTX version and target
   */
  static String kernelFor(VectorCase instruction, String target) {
    int operandCount = instruction.operands().size();
    StringBuilder loads = new StringBuilder();
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < operandCount; i++) {
      loads.append(load(i, instruction.operands().get(i)));
      names.append(", %a").append(i);
    }
    return target
        + """
        .address_size 64
        .visible .entry one(.param .u64 input, .param .u64 output, .param .u32 count)
        {
          .reg .pred %%p;
          .reg .b32 %%r<9>;
          .reg .b64 %%rd<9>;
          .reg .b64 %%wide;
          mov.u32 %%r1, %%ctaid.x;
          mov.u32 %%r2, %%ntid.x;
          mov.u32 %%r3, %%tid.x;
          mad.lo.s32 %%r4, %%r1, %%r2, %%r3;
          ld.param.u32 %%r5, [count];
          setp.ge.s32 %%p, %%r4, %%r5;
          @%%p bra $END;
          ld.param.u64 %%rd1, [input];
          mul.wide.s32 %%rd2, %%r4, %d;
          add.s64 %%rd3, %%rd1, %%rd2;
        %s
          .reg .%s %%result;
          %s %%result%s%s;
        %s
          ld.param.u64 %%rd4, [output];
          mul.wide.s32 %%rd5, %%r4, 8;
          add.s64 %%rd6, %%rd4, %%rd5;
          st.global.b64 [%%rd6], %%wide;
        $END:
          ret;
        }
        """
            .formatted(
                SLOT * operandCount,
                loads,
                registerType(instruction),
                instruction.mnemonic(),
                names,
                instruction.suffix(),
                widen(instruction.result()));
  }

  /** Some formats of a float have no register type: conversions want untyped bits. */
  private static String registerType(VectorCase instruction) {
    PtxType result = instruction.result();
    return switch (result) {
      case F16, BF16 -> "b16";
      default -> instruction.mnemonic().contains(".tf32.") ? "b32" : result.suffix();
    };
  }

  private static String load(int index, PtxType type) {
    String register = "%a" + index;
    int offset = SLOT * index;
    if (type == PtxType.PRED) {
      return "  .reg .pred %s;\n  ld.global.b32 %%r6, [%%rd3+%d];\n  setp.ne.s32 %s, %%r6, 0;\n"
          .formatted(register, offset, register);
    }
    // A byte has no register of its own: it lives in the low bits of 16, as nvcc does it.
    int bytes = Math.max(type.bytes(), Short.BYTES);
    return "  .reg .b%d %s;\n  ld.global.b%d %s, [%%rd3+%d];\n"
        .formatted(8 * bytes, register, 8 * bytes, register, offset);
  }

  private static String widen(PtxType type) {
    return switch (type.bytes()) {
      case 0 -> "  selp.u32 %r7, 1, 0, %result;\n  cvt.u64.u32 %wide, %r7;";
      case 2 -> "  cvt.u64.u16 %wide, %result;";
      case 4 -> "  mov.b32 %r7, %result;\n  cvt.u64.u32 %wide, %r7;";
      default -> "  mov.b64 %wide, %result;";
    };
  }
}
