package io.github.distillcuda.backend.onednn;

import java.util.Map;
import java.util.TreeMap;

/** Names of {@code dnnl_cpu_isa_t}. */
final class InstructionSet {
  /** The bits of an instruction set are those of the ones it includes. */
  private static final int AVX512_CORE = 0x27;

  private static final int AVX512_CORE_BF16 = 0xe7;

  private static final Map<Integer, String> NAMES =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry(0x1, "sse41"),
              Map.entry(0x3, "avx"),
              Map.entry(0x7, "avx2"),
              Map.entry(0xf, "avx2_vnni"),
              Map.entry(0x1f, "avx2_vnni_2"),
              Map.entry(AVX512_CORE, "avx512_core"),
              Map.entry(0x67, "avx512_core_vnni"),
              Map.entry(AVX512_CORE_BF16, "avx512_core_bf16"),
              Map.entry(0x1ef, "avx10_1_512"),
              Map.entry(0xfef, "avx10_1_512_amx"),
              Map.entry(0x1fef, "avx10_1_512_amx_fp16"),
              Map.entry(0x201ff, "avx10_2"),
              Map.entry(0x22fff, "avx10_2_amx_2")));

  private InstructionSet() {}

  /** Returns whether there are dot products of bfloat16, those of AVX-512 or AMX. */
  static boolean hasBfloat16(int isa) {
    return (isa & AVX512_CORE_BF16) == AVX512_CORE_BF16;
  }

  /** Returns how many float32 a vector has, which is how many channels oneDNN keeps together. */
  static int vectorFloats(int isa) {
    return (isa & AVX512_CORE) == AVX512_CORE ? 16 : 8;
  }

  /** Returns the name of an instruction set, or its number if it is none of these. */
  static String name(int isa) {
    return NAMES.getOrDefault(isa, "isa 0x" + Integer.toHexString(isa));
  }
}
