package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.PtxModule;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/**
 * Products of a 16 x 8 and an 8 x 8 matrix by one warp each, through a kernel whose lanes fetch
 * their registers from where they lie: what {@code mma} is tried on.
 *
 * @param a [count, 16, 8], TF32
 * @param b [count, 8, 8], the second index is the column, TF32
 * @param c [count, 16, 8]
 */
record MatrixProducts(int count, float[] a, float[] b, float[] c) {
  static final String MNEMONIC = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32";
  static final String SYMBOL = "products";
  static final int LANES = 32;
  static final int ROWS = 16;
  static final int COLUMNS = 8;
  static final int DEPTH = 8;

  /**
   * The kernel {@link #SYMBOL}(words, d): 10 words a lane in the order of the operands, register by
   * register; d likewise.
   */
  static String ptx() {
    return """
    .version 7.0
    .target sm_80
    .address_size 64
    .visible .entry products(.param .u64 words, .param .u64 d)
    {
      .reg .b32 %a<4>, %b<2>;
      .reg .f32 %c<4>;
      .reg .b32 %lane, %warp;
      .reg .b64 %from, %to, %at;
      mov.u32 %lane, %tid.x;
      mov.u32 %warp, %ctaid.x;
      ld.param.u64 %from, [words];
      mul.lo.s32 %warp, %warp, 320;
      add.s32 %warp, %warp, %lane;
      mul.wide.s32 %at, %warp, 4;
      add.s64 %from, %from, %at;
      ld.global.b32 %a0, [%from];
      ld.global.b32 %a1, [%from+128];
      ld.global.b32 %a2, [%from+256];
      ld.global.b32 %a3, [%from+384];
      ld.global.b32 %b0, [%from+512];
      ld.global.b32 %b1, [%from+640];
      ld.global.f32 %c0, [%from+768];
      ld.global.f32 %c1, [%from+896];
      ld.global.f32 %c2, [%from+1024];
      ld.global.f32 %c3, [%from+1152];
      MNEMONIC {%c0,%c1,%c2,%c3}, {%a0,%a1,%a2,%a3}, {%b0,%b1}, {%c0,%c1,%c2,%c3};
      mov.u32 %warp, %ctaid.x;
      shl.b32 %warp, %warp, 7;
      add.s32 %warp, %warp, %lane;
      mul.wide.s32 %at, %warp, 4;
      ld.param.u64 %to, [d];
      add.s64 %to, %to, %at;
      st.global.f32 [%to], %c0;
      st.global.f32 [%to+128], %c1;
      st.global.f32 [%to+256], %c2;
      st.global.f32 [%to+384], %c3;
      ret;
    }
    """
        .replace("MNEMONIC", MNEMONIC);
  }

  /** Random matrices of both signs whose rows differ in size by up to 2^spread. */
  static MatrixProducts random(int count, int spread, long seed) {
    Random random = new Random(seed);
    return new MatrixProducts(
        count,
        numbers(random, count * ROWS * DEPTH, spread, true),
        numbers(random, count * DEPTH * COLUMNS, spread, true),
        numbers(random, count * ROWS * COLUMNS, spread, false));
  }

  private static float[] numbers(Random random, int n, int spread, boolean tf32) {
    float[] numbers = new float[n];
    for (int i = 0; i < n; i++) {
      float drawn = (float) random.nextGaussian() * Math.scalb(1f, random.nextInt(spread + 1));
      int bits = Float.floatToRawIntBits(drawn);
      numbers[i] = Float.intBitsToFloat(tf32 ? bits & -1 << 13 : bits);
    }
    return numbers;
  }

  /** Where the PTX ISA, figures of the m16n8k8 fragments of .tf32, puts an element of A. */
  private static int placeOfA(int row, int k) {
    int register = (k >= 4 ? 2 : 0) + (row >= 8 ? 1 : 0);
    return register * LANES + row % 8 * 4 + k % 4;
  }

  private static int placeOfB(int k, int column) {
    return (k >= 4 ? 1 : 0) * LANES + column * 4 + k % 4;
  }

  private static int placeOfC(int row, int column) {
    int register = (row >= 8 ? 2 : 0) + column % 2;
    return register * LANES + row % 8 * 4 + column / 2;
  }

  /** The registers of all lanes, as the kernel reads them. */
  float[] words() {
    float[] words = new float[count * 10 * LANES];
    for (int i = 0; i < count; i++) {
      int start = i * 10 * LANES;
      for (int row = 0; row < ROWS; row++) {
        for (int k = 0; k < DEPTH; k++) {
          words[start + placeOfA(row, k)] = a[(i * ROWS + row) * DEPTH + k];
          words[start + 6 * LANES + placeOfC(row, k)] = c[(i * ROWS + row) * COLUMNS + k];
        }
      }
      for (int k = 0; k < DEPTH; k++) {
        for (int column = 0; column < COLUMNS; column++) {
          words[start + 4 * LANES + placeOfB(k, column)] = b[(i * DEPTH + k) * COLUMNS + column];
        }
      }
    }
    return words;
  }

  /** D [count, 16, 8] out of what the kernel wrote. */
  float[] matrices(float[] written) {
    float[] d = new float[count * ROWS * COLUMNS];
    for (int i = 0; i < count; i++) {
      for (int row = 0; row < ROWS; row++) {
        for (int column = 0; column < COLUMNS; column++) {
          d[(i * ROWS + row) * COLUMNS + column] = written[i * 4 * LANES + placeOfC(row, column)];
        }
      }
    }
    return d;
  }

  /** An element of D in float64, which rounds far below what is asked of float32. */
  double exact(int element) {
    return sum(element, x -> x);
  }

  /** The same sum over absolute values. */
  double absolute(int element) {
    return sum(element, Math::abs);
  }

  private double sum(int element, DoubleUnaryOperator of) {
    int row = element / COLUMNS; // counted over all matrices
    int column = element % COLUMNS;
    double sum = of.applyAsDouble(c[element]);
    for (int k = 0; k < DEPTH; k++) {
      double left = a[row * DEPTH + k];
      sum += of.applyAsDouble(left * b[(row / ROWS * DEPTH + k) * COLUMNS + column]);
    }
    return sum;
  }

  /** D on the emulator. */
  float[] emulate(Approximation approximation) {
    return emulate(approximation, LANES);
  }

  /** The same by a block of so many threads, of which 32 are a warp. */
  float[] emulate(Approximation approximation, int threads) {
    EmulatedMemory memory = new EmulatedMemory();
    float[] input = words();
    Region words = memory.allocate("words", Float.BYTES * input.length);
    Region d = memory.allocate("d", Float.BYTES * count * ROWS * COLUMNS);
    words.hostWrite(0, HostBytes.of(input));
    Launch.of(PtxModule.parse(ptx()).kernel(SYMBOL))
        .grid(count)
        .block(threads)
        .arguments(words, d)
        .approximation(approximation)
        .run(memory);
    return matrices(HostBytes.toFloats(d.hostRead(0, d.size())));
  }
}
