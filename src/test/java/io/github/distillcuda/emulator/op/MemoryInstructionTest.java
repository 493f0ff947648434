package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.PtxModule;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every load and store moves the right bytes, and extends them as its type says. */
class MemoryInstructionTest {
  private static final int THREADS = 40; // more than a warp, and the last one is not full
  private static final int SLOT = 16; // bytes a thread: the widest access

  /** A load or a store, taken apart. */
  private record Access(String mnemonic) {
    PtxType type() {
      String last = mnemonic.substring(mnemonic.lastIndexOf('.'));
      return PtxType.ofDirective(last).orElseThrow();
    }

    int count() {
      return mnemonic.contains(".v2.") ? 2 : mnemonic.contains(".v4.") ? 4 : 1;
    }

    int bytes() {
      return count() * type().bytes();
    }

    /** The space named, or generic: then the address is one of global memory. */
    String space() {
      return Stream.of("shared", "local", "param")
          .filter(name -> mnemonic.contains("." + name + "."))
          .findFirst()
          .orElse("global");
    }

    /** The same bytes moved in the plainest way: {@code .v2.b32}. */
    String plainSuffix() {
      return (count() == 1 ? "" : ".v" + count()) + ".b" + 8 * type().bytes();
    }

    String registers() {
      if (count() == 1) {
        return "%e0";
      }
      return IntStream.range(0, count())
          .mapToObj(i -> "%e" + i)
          .toList()
          .toString()
          .replace('[', '{')
          .replace(']', '}');
    }

    String registerType() {
      return ".b" + 8 * Math.max(Short.BYTES, type().bytes());
    }

    @Override
    public String toString() {
      return mnemonic;
    }
  }

  /** What reaches other blocks of a cluster needs a cluster: {@code ClusterTest}. */
  private static Stream<Access> accesses(String verb) {
    return OpTable.mnemonics().stream()
        .filter(name -> name.startsWith(verb) && !name.contains("shared::cluster"))
        .map(Access::new);
  }

  static Stream<Access> loads() {
    return accesses("ld.");
  }

  static Stream<Access> stores() {
    return accesses("st.");
  }

  @ParameterizedTest
  @MethodSource("loads")
  void loadMovesItsBytes(Access load) {
    String body =
        """
        %s
        %s %s, [%s];
        st.global%s [%%to], %s;
        """
            .formatted(
                copyIn(load),
                load.mnemonic(),
                load.registers(),
                addressIn(load.space()),
                load.plainSuffix(),
                load.registers());

    assertCopies(load, body);
  }

  @ParameterizedTest
  @MethodSource("stores")
  void storeMovesItsBytes(Access store) {
    boolean inGlobal = store.space().equals("global");
    String body =
        """
        ld.global%s %s, [%%from];
        %s [%s], %s;
        %s
        """
            .formatted(
                store.plainSuffix(),
                store.registers(),
                store.mnemonic(),
                inGlobal ? "%to" : addressIn(store.space()),
                store.registers(),
                inGlobal
                    ? ""
                    : copyBytes(store, store.space(), addressIn(store.space()), "global", "%to"));

    assertCopies(store, body);
  }

  private static String addressIn(String space) {
    return switch (space) {
      case "shared" -> "%sharedSlot";
      case "local" -> "%localSlot";
      case "param" -> "struct+16";
      default -> "%from";
    };
  }

  /** Puts the input where the load looks for it. */
  private static String copyIn(Access load) {
    return switch (load.space()) {
      case "shared", "local" ->
          copyBytes(load, "global", "%from", load.space(), addressIn(load.space()));
      default -> "";
    };
  }

  private static String copyBytes(
      Access access, String fromSpace, String from, String toSpace, String to) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < access.bytes(); i++) {
      text.append("ld.%s.u8 %%byte, [%s+%d];\n".formatted(fromSpace, from, i));
      text.append("st.%s.u8 [%s+%d], %%byte;\n".formatted(toSpace, to, i));
    }
    return text.toString();
  }

  private static void assertCopies(Access access, String body) {
    byte[] input = randomBytes();
    byte[] struct = new byte[32];
    System.arraycopy(input, 0, struct, 16, SLOT);

    byte[] output = run(access.registerType(), body, input, struct);

    for (int thread = 0; thread < THREADS; thread++) {
      for (int i = 0; i < access.bytes(); i++) {
        // Parameters are the same for all threads: what the first one would have loaded.
        int source = (access.space().equals("param") ? 0 : thread * SLOT) + i;
        assertThat(output[thread * SLOT + i]).isEqualTo(input[source]);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "u8, b32, fe", "s8, b32, fffffffe", "u16, b32, fdfe", "s16, b32, fffffdfe",
    "u8, b64, fe", "s8, b64, fffffffffffffffe", "u16, b64, fdfe", "s16, b64, fffffffffffffdfe",
    "u32, b64, fbfcfdfe", "s32, b64, fffffffffbfcfdfe", "s8, b16, fffe", "u8, b16, fe"
  })
  void loadExtendsToItsRegister(String type, String register, String expected) {
    String widen =
        register.equals("b64")
            ? "mov.b64 %wide, %e0;"
            : "cvt.u64.u" + register.substring(1) + " %wide, %e0;";
    String body = "ld.global." + type + " %e0, [%from];\n" + widen + "st.global.b64 [%to], %wide;";
    byte[] input = randomBytes();
    for (int i = 0; i < 8; i++) {
      input[i] = (byte) (0xfe - i);
    }

    byte[] output = run("." + register, body, input, new byte[32]);

    String result = Long.toHexString(HostBytes.toLongs(output)[0]);
    assertThat(result).isEqualTo(expected);
  }

  /** nvcc stores a byte right out of a 32-bit register, and a constant without any. */
  @Test
  void storeTakesWiderRegistersAndConstants() {
    String body =
        """
        mov.u32 %e0, -252579085;
        st.global.u8 [%to], %e0;
        st.global.u16 [%to+2], %e0;
        st.global.u32 [%to+4], 7;
        st.global.u64 [%to+8], -2;
        """;

    byte[] output = run(".b32", body, randomBytes(), new byte[32]);

    assertThat(output[0]).isEqualTo((byte) 0xf3);
    assertThat(output[2]).isEqualTo((byte) 0xf3);
    assertThat(output[3]).isEqualTo((byte) 0xf2);
    assertThat(HostBytes.toInts(output)[1]).isEqualTo(7);
    assertThat(HostBytes.toLongs(output)[1]).isEqualTo(-2);
  }

  @Test
  void movesPackAndUnpackHalves() {
    String body =
        """
        .reg .b16 %low, %high;
        .reg .b32 %lowWord, %highWord;
        ld.global.b32 %e0, [%from];
        mov.b32 {%low, %high}, %e0;
        mov.b32 %e1, {%high, %low};
        st.global.b32 [%to], %e1;
        ld.global.b64 %wide, [%from+8];
        mov.b64 {%lowWord, %highWord}, %wide;
        mov.b64 %wide, {%highWord, %lowWord};
        st.global.b64 [%to+8], %wide;
        """;
    byte[] input = randomBytes();

    byte[] output = run(".b32", body, input, new byte[32]);

    int[] in = HostBytes.toInts(input);
    int[] out = HostBytes.toInts(output);
    assertThat(out[0]).isEqualTo(Integer.rotateLeft(in[0], 16));
    assertThat(out[2]).isEqualTo(in[3]);
    assertThat(out[3]).isEqualTo(in[2]);
  }

  private static byte[] randomBytes() {
    byte[] bytes = new byte[THREADS * SLOT];
    new Random(3).nextBytes(bytes);
    return bytes;
  }

  /** Runs a body that moves what is at %from to %to, with slots of its own in the other spaces. */
  private static byte[] run(String elementType, String body, byte[] input, byte[] struct) {
    String text =
        """
        .version 7.0
        .target sm_75
        .address_size 64
        .visible .entry one(
          .param .align 8 .b8 struct[32], .param .u64 input, .param .u64 output)
        {
          .local .align 16 .b8 depot[16];
          .shared .align 16 .b8 slots[640];
          .reg ELEMENT %e<4>;
          .reg .b16 %byte;
          .reg .b32 %tid, %sharedSlot, %offset32;
          .reg .b64 %from, %to, %offset, %localSlot, %wide;
          mov.u32 %tid, %tid.x;
          shl.b32 %offset32, %tid, 4;
          cvt.u64.u32 %offset, %offset32;
          ld.param.u64 %from, [input];
          ld.param.u64 %to, [output];
          add.s64 %from, %from, %offset;
          add.s64 %to, %to, %offset;
          mov.u32 %sharedSlot, slots;
          add.s32 %sharedSlot, %sharedSlot, %offset32;
          mov.u64 %localSlot, depot;
          BODY
          ret;
        }
        """
            .replace("ELEMENT", elementType)
            .replace("BODY", body);
    EmulatedMemory memory = new EmulatedMemory();
    Region from = memory.allocate("from", input.length);
    Region to = memory.allocate("to", input.length);
    from.hostWrite(0, input);
    to.hostWrite(0, new byte[input.length]);
    Launch.of(PtxModule.parse(text).kernel("one"))
        .block(THREADS)
        .arguments(struct, from, to)
        .run(memory);
    return to.hostRead(0, input.length);
  }
}
