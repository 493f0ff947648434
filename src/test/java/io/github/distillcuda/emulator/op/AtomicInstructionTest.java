package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.PtxModule;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongBinaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every atomic operation: 40 threads update one place, and the result is what some order of them
 * gives, with each thread's old value the result of the one before.
 */
class AtomicInstructionTest {
  private static final int THREADS = 40;

  /** What an operation makes of the old value and the operand, and where it starts. */
  private record Meaning(String type, long start, LongBinaryOperator update) {}

  private static final Map<String, Meaning> MEANINGS = new TreeMap<>();

  static {
    mean("add.u32", 5, (old, a) -> (int) (old + a));
    mean("add.s32", -5, (old, a) -> (int) (old + a));
    mean("min.s32", 7, (old, a) -> Math.min((int) old, (int) a));
    mean("max.s32", -7, (old, a) -> Math.max((int) old, (int) a));
    mean("min.u32", -1, (old, a) -> Integer.compareUnsigned((int) old, (int) a) < 0 ? old : a);
    mean("max.u32", 3, (old, a) -> Integer.compareUnsigned((int) old, (int) a) > 0 ? old : a);
    mean("inc.u32", 0, (old, a) -> Integer.compareUnsigned((int) old, (int) a) >= 0 ? 0 : old + 1);
    mean("and.b32", -1, (old, a) -> old & a);
    mean("or.b32", 0, (old, a) -> old | a);
    mean("xor.b32", 0x55, (old, a) -> old ^ a);
    mean("exch.b32", 99, (old, a) -> a);
    mean("add.u64", 1L << 40, (old, a) -> old + a);
    mean("min.s64", 7, Math::min);
    mean("max.s64", -7, Math::max);
    mean("min.u64", -1, (old, a) -> Long.compareUnsigned(old, a) < 0 ? old : a);
    mean("max.u64", 3, (old, a) -> Long.compareUnsigned(old, a) > 0 ? old : a);
    mean("exch.b64", 99, (old, a) -> a);
    mean(
        "add.f32",
        Float.floatToRawIntBits(0.5f),
        (old, a) ->
            Float.floatToRawIntBits(
                Float.intBitsToFloat((int) old) + Float.intBitsToFloat((int) a)));
    mean(
        "add.f64",
        Double.doubleToRawLongBits(0.25),
        (old, a) ->
            Double.doubleToRawLongBits(Double.longBitsToDouble(old) + Double.longBitsToDouble(a)));
    // compare with the start value: only the first thread to come finds it
    mean("cas.b32", 11, (old, a) -> old == 11 ? a : old);
    mean("cas.b64", 11, (old, a) -> old == 11 ? a : old);
  }

  private static void mean(String operation, long start, LongBinaryOperator update) {
    String type = operation.substring(operation.indexOf('.') + 1);
    MEANINGS.put(operation, new Meaning(type, start, update));
  }

  static Stream<String> atomics() {
    return OpTable.mnemonics().stream().filter(m -> m.startsWith("atom.") || m.startsWith("red."));
  }

  private static String operationOf(String mnemonic) {
    return mnemonic.replaceFirst("^(atom|red)\\.(global\\.|shared\\.)?", "");
  }

  @Test
  void everyOperationHasAMeaning() {
    assertThat(atomics().map(AtomicInstructionTest::operationOf).collect(Collectors.toSet()))
        .isEqualTo(MEANINGS.keySet());
  }

  @ParameterizedTest
  @MethodSource("atomics")
  void updatesOneAfterTheOther(String mnemonic) {
    Meaning meaning = MEANINGS.get(operationOf(mnemonic));
    for (ExecutionOrder order : ExecutionOrder.values()) {
      long[] results = run(mnemonic, meaning, order);
      long[] operands = Arrays.copyOf(results, THREADS);
      long[] olds = Arrays.copyOfRange(results, THREADS, 2 * THREADS);
      long last = results[2 * THREADS];

      long value = meaning.start();
      for (int thread : executionOrder(order)) {
        if (mnemonic.startsWith("atom.")) {
          assertThat(olds[thread])
              .as(order + " thread " + thread)
              .isEqualTo(masked(value, meaning));
        }
        value = meaning.update().applyAsLong(value, operands[thread]);
      }
      assertThat(last).as(order.toString()).isEqualTo(masked(value, meaning));
    }
  }

  /** Warps take their turns in the launch's order, and so do the lanes of each. */
  private static int[] executionOrder(ExecutionOrder order) {
    return Arrays.stream(order.of(2))
        .flatMap(warp -> Arrays.stream(order.of(32)).map(lane -> 32 * warp + lane))
        .filter(thread -> thread < THREADS)
        .toArray();
  }

  private static long masked(long value, Meaning meaning) {
    return meaning.type().endsWith("64") ? value : value & 0xffffffffL;
  }

  /** Operands, then old values, then the final value. */
  private static long[] run(String mnemonic, Meaning meaning, ExecutionOrder order) {
    boolean wide = meaning.type().endsWith("64");
    boolean returns = mnemonic.startsWith("atom.");
    boolean shared = mnemonic.contains(".shared.");
    String bits = wide ? "b64" : "b32";
    String compare = mnemonic.contains(".cas.") ? ", " + meaning.start() : "";
    String text =
        """
        .version 7.0
        .target sm_75
        .address_size 64
        .visible .entry one(.param .u64 data)
        {
          .shared .align 8 .b8 shared[8];
          .reg .pred %first;
          .reg .b32 %tid, %address32;
          .reg .b64 %place, %mine, %offset, %data;
          .reg .BITS %a, %old, %start;
          ld.param.u64 %data, [data];
          mov.u32 %tid, %tid.x;
          mul.wide.u32 %offset, %tid, 8;
          add.s64 %mine, %data, %offset;
          ld.global.BITS %a, [%mine];
          setp.eq.s32 %first, %tid, 0;
          ld.global.BITS %start, [%data+960];
          mov.u64 %place, PLACE;
          @%first st.SPACE.BITS [%place], %start;
          bar.sync 0;
          mov.BITS %old, 0;
          INSTRUCTION
          st.global.BITS [%mine+320], %old;
          bar.sync 0;
          @%first ld.SPACE.BITS %old, [%place];
          @%first st.global.BITS [%data+640], %old;
          ret;
        }
        """
            .replace(
                "mov.u64 %place, PLACE;",
                shared ? "mov.u64 %place, shared;" : "add.s64 %place, %data, 648;")
            .replace("SPACE", shared ? "shared" : "global")
            .replace(
                "INSTRUCTION",
                "%s %s[%%place]%s, %%a;".formatted(mnemonic, returns ? "%old, " : "", compare))
            .replace("BITS", bits);
    EmulatedMemory memory = new EmulatedMemory();
    Region data = memory.allocate("data", 968);
    data.hostWrite(0, new byte[968]);
    data.hostWrite(0, HostBytes.of(operands(meaning.type())));
    data.hostWrite(960, HostBytes.of(meaning.start()));
    Launch.of(PtxModule.parse(text).kernel("one"))
        .block(THREADS)
        .arguments(data)
        .order(order)
        .run(memory);
    return HostBytes.toLongs(data.hostRead(0, 648));
  }

  private static long[] operands(String type) {
    long[] operands = new long[THREADS];
    for (int i = 0; i < THREADS; i++) {
      int number = (i * 37 % 41) - 20;
      operands[i] =
          switch (type) {
            case "f32" -> Float.floatToRawIntBits(number * 0.1f) & 0xffffffffL;
            case "f64" -> Double.doubleToRawLongBits(number * 0.1);
            case "u32", "s32", "b32" -> number & 0xffffffffL;
            default -> number;
          };
    }
    return operands;
  }
}
