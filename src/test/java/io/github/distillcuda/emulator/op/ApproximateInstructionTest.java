package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The approximate instructions: in every mode within the bound that the PTX ISA gives, in the outer
 * modes close to it, and exact where the ISA is.
 */
class ApproximateInstructionTest {
  private static final float INF = Float.POSITIVE_INFINITY;
  private static final float NAN = Float.NaN;

  /**
   * An instruction and its bound.
   *
   * @param function the mathematical function, in double
   * @param bound the largest error allowed, given the arguments and the exact result
   */
  record Approximate(
      String mnemonic,
      int operands,
      double lowest,
      double highest,
      Function function,
      Bound bound) {
    @Override
    public String toString() {
      return mnemonic;
    }
  }

  interface Function {
    double of(double[] a);
  }

  interface Bound {
    double of(double[] a, double exact);
  }

  static Stream<Approximate> instructions() {
    List<Approximate> instructions = new ArrayList<>();
    for (String ftz : new String[] {"", ".ftz"}) {
      String f32 = ftz + ".f32";
      instructions.add(
          new Approximate(
              "ex2.approx" + f32, 1, -120, 120, a -> Math.pow(2, a[0]), (a, e) -> ulps(2.5, e)));
      instructions.add(
          new Approximate(
              "lg2.approx" + f32,
              1,
              0x1p-100,
              8,
              a -> Math.log(a[0]) / Math.log(2),
              (a, e) -> a[0] > 0.5 && a[0] < 2 ? 0x1p-22 : Math.abs(e) * 0x1p-22));
      instructions.add(
          new Approximate("rcp.approx" + f32, 1, -1e20, 1e20, a -> 1 / a[0], (a, e) -> ulps(1, e)));
      instructions.add(
          new Approximate(
              "sqrt.approx" + f32, 1, 0, 1e30, a -> Math.sqrt(a[0]), (a, e) -> e * 0x1p-23));
      instructions.add(
          new Approximate(
              "rsqrt.approx" + f32,
              1,
              1e-30,
              1e30,
              a -> 1 / Math.sqrt(a[0]),
              (a, e) -> e * Math.pow(2, -22.9)));
      for (String kind : new String[] {"div.approx", "div.full"}) {
        instructions.add(
            new Approximate(kind + f32, 2, -1e15, 1e15, a -> a[0] / a[1], (a, e) -> ulps(2, e)));
      }
    }
    return instructions.stream();
  }

  private static double ulps(double count, double exact) {
    return count * (double) Math.ulp((float) exact);
  }

  @ParameterizedTest
  @MethodSource("instructions")
  void staysWithinItsBoundAndComesCloseToIt(Approximate instruction) {
    List<long[]> arguments = randomArguments(instruction);
    float[] exactMode = run(instruction.mnemonic(), arguments, Approximation.EXACT);
    float[] lower = run(instruction.mnemonic(), arguments, Approximation.LOWER);
    float[] upper = run(instruction.mnemonic(), arguments, Approximation.UPPER);

    for (int i = 0; i < exactMode.length; i++) {
      double[] a = values(arguments.get(i));
      double exact = instruction.function().of(a);
      double bound = instruction.bound().of(a, exact) * (1 + 1e-9); // the oracle's own rounding
      String what = instruction + " of " + a[0];
      assertThat((double) exactMode[i]).as(what).isEqualTo((double) (float) exact);
      assertThat((double) lower[i]).as(what).isBetween(exact - bound, exact);
      assertThat((double) upper[i]).as(what).isBetween(exact, exact + bound);
      // One step further out would leave the bound.
      assertThat((double) Math.nextDown(lower[i])).as(what).isLessThan(exact - bound * (1 - 1e-8));
      assertThat((double) Math.nextUp(upper[i])).as(what).isGreaterThan(exact + bound * (1 - 1e-8));
    }
  }

  @Test
  void specialArgumentsGiveTheSameInAllModes() {
    assertSpecial("ex2.approx.f32", 0f, 1f);
    assertSpecial("ex2.approx.f32", -0f, 1f);
    assertSpecial("ex2.approx.ftz.f32", Float.MIN_VALUE, 1f);
    assertSpecial("ex2.approx.f32", -INF, 0f);
    assertSpecial("ex2.approx.f32", INF, INF);
    assertSpecial("ex2.approx.f32", 128.5f, INF);
    assertSpecial("ex2.approx.ftz.f32", -140f, 0f);
    assertSpecial("ex2.approx.f32", NAN, NAN);
    assertSpecial("lg2.approx.f32", 0f, -INF);
    assertSpecial("lg2.approx.f32", -0f, -INF);
    assertSpecial("lg2.approx.ftz.f32", Float.MIN_VALUE, -INF);
    assertSpecial("lg2.approx.f32", -1f, NAN);
    assertSpecial("lg2.approx.f32", INF, INF);
    assertSpecial("lg2.approx.f32", NAN, NAN);
    assertSpecial("rcp.approx.f32", 0f, INF);
    assertSpecial("rcp.approx.f32", -0f, -INF);
    assertSpecial("rcp.approx.f32", -INF, -0f);
    assertSpecial("rcp.approx.f32", NAN, NAN);
    assertSpecial("sqrt.approx.f32", -0f, -0f);
    assertSpecial("sqrt.approx.f32", -1f, NAN);
    assertSpecial("sqrt.approx.f32", INF, INF);
    assertSpecial("rsqrt.approx.f32", 0f, INF);
    assertSpecial("rsqrt.approx.f32", -0f, -INF);
    assertSpecial("rsqrt.approx.f32", INF, 0f);
    assertSpecial("rsqrt.approx.f32", -1f, NAN);
  }

  @Test
  void approximateDivisionGivesUpOnHugeDivisors() {
    float huge = 0x1.8p126f;

    assertThat(divide("div.approx.f32", 1e30f, huge)).isZero();
    assertThat(divide("div.approx.f32", INF, huge)).isNaN();
    assertThat(divide("div.full.f32", 1e30f, huge)).isCloseTo(1e30f / huge, within2Ulps());
    assertThat(divide("div.approx.f32", 1f, 0f)).isEqualTo(INF);
    assertThat(divide("div.approx.f32", 0f, 0f)).isNaN();
    assertThat(divide("div.approx.f32", 1f, INF)).isZero();
  }

  private static Offset<Float> within2Ulps() {
    return Offset.offset(2 * Math.ulp(1e30f / 0x1.8p126f));
  }

  /** Only a seed for f64 code: half the bits, within one of them. */
  @Test
  void grossReciprocalHasTheUpperHalfOfTheBits() {
    long[] numbers = {bits(3.0), bits(-7.25e100), bits(1e-200), bits(0.9999)};
    VectorCase instruction =
        new VectorCase(
            "rcp.approx.ftz.f64",
            PtxType.F64,
            List.of(PtxType.F64),
            "",
            InterestingValues.single(numbers),
            a -> 0);
    for (Approximation mode : Approximation.values()) {
      long[] results = InstructionHarness.run(instruction, mode);
      for (int i = 0; i < numbers.length; i++) {
        double exact = 1 / Double.longBitsToDouble(numbers[i]);
        assertThat(results[i] & 0xffffffffL).isZero();
        assertThat(Double.longBitsToDouble(results[i]) / exact - 1).isBetween(-0x1p-20, 0x1p-20);
      }
    }
  }

  private static long bits(double value) {
    return Double.doubleToRawLongBits(value);
  }

  private static void assertSpecial(String mnemonic, float argument, Float expected) {
    for (Approximation mode : Approximation.values()) {
      float result = run(mnemonic, List.of(argumentBits(argument)), mode)[0];
      assertThat(result).as("%s of %s, %s", mnemonic, argument, mode).isEqualTo(expected);
    }
  }

  private static float divide(String mnemonic, float a, float b) {
    return run(mnemonic, List.of(argumentBits(a, b)), Approximation.EXACT)[0];
  }

  private static long[] argumentBits(float... arguments) {
    long[] bits = new long[arguments.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Integer.toUnsignedLong(Float.floatToRawIntBits(arguments[i]));
    }
    return bits;
  }

  private static List<long[]> randomArguments(Approximate instruction) {
    Random random = new Random(7);
    List<long[]> arguments = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      float[] values = new float[instruction.operands()];
      for (int j = 0; j < values.length; j++) {
        values[j] = (float) random.nextDouble(instruction.lowest(), instruction.highest());
      }
      arguments.add(argumentBits(values));
    }
    return arguments;
  }

  static double[] values(long[] bits) {
    double[] values = new double[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = Float.intBitsToFloat((int) bits[i]);
    }
    return values;
  }

  private static float[] run(String mnemonic, List<long[]> arguments, Approximation mode) {
    int operands = arguments.getFirst().length;
    List<PtxType> types = Collections.nCopies(operands, PtxType.F32);
    long[] results =
        InstructionHarness.run(
            new VectorCase(mnemonic, PtxType.F32, types, "", arguments, a -> 0), mode);
    float[] floats = new float[results.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = Float.intBitsToFloat((int) results[i]);
    }
    return floats;
  }
}
