package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.Approximation;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code mma}: every element is the sum of its row and column, within the bound of its mode. */
class MatrixInstructionTest {
  @ParameterizedTest
  @EnumSource
  void staysWithinTheBoundThatIsAssumed(Approximation mode) {
    MatrixProducts products = MatrixProducts.random(50, 12, 3);

    float[] d = products.emulate(mode);

    for (int i = 0; i < d.length; i++) {
      double exact = products.exact(i);
      double bound = MatrixOps.BOUND * products.absolute(i);
      double rounding = Math.ulp((float) exact);
      double expected =
          switch (mode) {
            case EXACT -> exact;
            case LOWER -> exact - bound;
            case UPPER -> exact + bound;
          };
      assertThat((double) d[i])
          .as("element %d", i)
          .isBetween(expected - rounding, expected + rounding);
    }
  }

  /** Each element by itself: a matrix with a single one selects, so that no place can be wrong. */
  @Test
  void everyElementLiesWhereTheIsaPutsIt() {
    int count = MatrixProducts.ROWS * MatrixProducts.DEPTH;
    MatrixProducts drawn = MatrixProducts.random(count, 0, 5);
    float[] a = new float[drawn.a().length];
    for (int i = 0; i < count; i++) {
      a[i * count + i] = 1; // of matrix i, element i
    }
    float[] nothing = new float[drawn.c().length];

    float[] d = new MatrixProducts(count, a, drawn.b(), nothing).emulate(Approximation.EXACT);

    for (int i = 0; i < count; i++) {
      float[] expected = new float[count];
      int row = i / MatrixProducts.DEPTH;
      int k = i % MatrixProducts.DEPTH;
      int columns = MatrixProducts.COLUMNS;
      System.arraycopy(
          drawn.b(), (i * MatrixProducts.DEPTH + k) * columns, expected, row * columns, columns);
      assertThat(Arrays.copyOfRange(d, i * count, (i + 1) * count)).containsExactly(expected);
    }
  }

  /** They fill fewer bits than any tensor core keeps. */
  @ParameterizedTest
  @EnumSource
  void wholeNumbersAreSummedExactly(Approximation mode) {
    MatrixProducts drawn = MatrixProducts.random(20, 9, 9);
    MatrixProducts products =
        new MatrixProducts(20, rounded(drawn.a()), rounded(drawn.b()), rounded(drawn.c()));

    float[] d = products.emulate(mode);

    for (int i = 0; i < d.length; i++) {
      boolean exact = products.absolute(i) < MatrixOps.EXACT_BELOW;
      double error = exact ? 0 : MatrixOps.BOUND * products.absolute(i);
      assertThat((double) d[i])
          .as("element %d", i)
          .isBetween(products.exact(i) - error, products.exact(i) + error);
    }
  }

  private static float[] rounded(float[] numbers) {
    float[] whole = new float[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      whole[i] = (float) Math.rint(numbers[i]);
    }
    return whole;
  }

  @Test
  void whatIsNotFiniteGoesOn() {
    float[] a = new float[MatrixProducts.ROWS * MatrixProducts.DEPTH];
    float[] b = new float[MatrixProducts.DEPTH * MatrixProducts.COLUMNS];
    float[] c = new float[MatrixProducts.ROWS * MatrixProducts.COLUMNS];
    a[0] = Float.NaN;
    a[MatrixProducts.DEPTH] = Float.POSITIVE_INFINITY;
    Arrays.fill(b, 1);
    b[1] = 0;

    float[] d = new MatrixProducts(1, a, b, c).emulate(Approximation.UPPER);

    assertThat(d[0]).isNaN();
    assertThat(d[MatrixProducts.COLUMNS]).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(d[MatrixProducts.COLUMNS + 1]).as("infinity times 0").isNaN();
    assertThat(d[2 * MatrixProducts.COLUMNS]).isZero();
  }

  @Test
  void factorsThatWereNotRoundedAreAFault() {
    MatrixProducts products = MatrixProducts.random(1, 0, 7);
    products.a()[9] = 1 + 0x1p-11f;

    assertThatThrownBy(() -> products.emulate(Approximation.EXACT))
        .isInstanceOfSatisfying(
            EmulatorFault.class, fault -> assertThat(fault.kind()).isEqualTo(FaultKind.NOT_ROUNDED))
        .hasMessageContaining("1.0004883, which is not a TF32 number");
  }

  /** The instruction is for whole warps: a lane that ended before is missed. */
  @Test
  void aLaneThatDoesNotComeIsAFault() {
    MatrixProducts products = MatrixProducts.random(1, 0, 7);

    assertThatThrownBy(() -> products.emulate(Approximation.EXACT, MatrixProducts.LANES - 1))
        .isInstanceOfSatisfying(
            EmulatorFault.class,
            fault -> assertThat(fault.kind()).isEqualTo(FaultKind.ABSENT_LANE));
  }
}
