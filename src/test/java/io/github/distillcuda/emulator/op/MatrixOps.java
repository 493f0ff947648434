package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.bits;
import static io.github.distillcuda.emulator.op.Bits.f32;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.ptx.Operand;
import java.util.List;

/**
 * Products of small matrices by a whole warp ({@code mma.sync}): D = A B + C, each matrix spread
 * over the registers of the 32 lanes as the PTX ISA draws it.
 *
 * <p>Products of two TF32 numbers are exact in float32's exponent range with 22 bits. How they are
 * added, PTX does not say, but for "at least single precision": see {@link #BOUND}.
 */
final class MatrixOps {
  /**
   * The largest error of an element, as a part of |c| + the sum of |a b|. A stated choice: tensor
   * cores align the addends to the largest, cut off what is below some 24 bits of it and round the
   * sum towards zero, in one or two blocks. Of five addends all but the largest lose, and so does
   * the sum: twice, ten units of 2^-23 of the largest if no bit more is kept, six with one. It is
   * taken as eight, 2^-20; {@code DeviceInstructionTest} measures it. Whole numbers whose absolute
   * values add up to less than {@link #EXACT_BELOW} have no bit that far down, and lose nothing.
   */
  static final double BOUND = 0x1p-20;

  static final double EXACT_BELOW = 0x1p22;

  private static final int ROWS = 16;
  private static final int COLUMNS = 8;
  private static final int DEPTH = 8;
  private static final int LOST_BITS = 0x1fff;

  private MatrixOps() {}

  static void addTo(OpTable table) {
    table.addApproximate(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
        (operands, mode) ->
            new Product(
                rows(operands, 0, 4),
                rows(operands, 1, 4),
                rows(operands, 2, 2),
                rows(operands, 3, 4),
                new MemberMask(operands.word(new Operand.Immediate(Warp.ALL_LANES))),
                mode));
  }

  private static int[] rows(Operands operands, int index, int registers) {
    List<Operand> elements = operands.elements(index);
    if (elements.size() != registers) {
      throw operands.bad("operand %d needs %d registers".formatted(index, registers));
    }
    return elements.stream().mapToInt(operands::word).toArray();
  }

  /** Lane {@code 4 g + t} has rows g and g + 8 of A, column g of B, columns 2t, 2t + 1 of D. */
  private record Product(
      int[] d, int[] a, int[] b, int[] c, MemberMask everyLane, Approximation mode)
      implements WarpInstruction {
    @Override
    public int execute(Warp warp, int lanes) {
      if (!everyLane.allPresent(warp, lanes)) {
        return 0;
      }
      double[][] left = new double[ROWS][DEPTH];
      double[][] right = new double[COLUMNS][DEPTH];
      for (int lane = 0; lane < Warp.SIZE; lane++) {
        int g = lane / 4;
        int t = lane % 4;
        for (int i = 0; i < a.length; i++) {
          left[g + i % 2 * 8][t + i / 2 * 4] = factor(warp.words[a[i]][lane], lane);
        }
        for (int i = 0; i < b.length; i++) {
          right[g][t + 4 * i] = factor(warp.words[b[i]][lane], lane);
        }
      }
      int[][] sums = new int[d.length][Warp.SIZE];
      for (int lane = 0; lane < Warp.SIZE; lane++) {
        for (int i = 0; i < d.length; i++) {
          double[] row = left[lane / 4 + i / 2 * 8];
          double[] column = right[lane % 4 * 2 + i % 2];
          sums[i][lane] = bits(sum(f32(warp.words[c[i]][lane]), row, column));
        }
      }
      for (int i = 0; i < d.length; i++) {
        System.arraycopy(sums[i], 0, warp.words[d[i]], 0, Warp.SIZE);
      }
      return lanes;
    }

    private float sum(double addend, double[] row, double[] column) {
      double sum = addend;
      for (int k = 0; k < DEPTH; k++) {
        sum += row[k] * column[k];
      }
      boolean exact = mode == Approximation.EXACT || !Double.isFinite(sum);
      return exact ? (float) sum : mode.choose(sum, error(addend, row, column));
    }

    private static double error(double addend, double[] row, double[] column) {
      double absolute = Math.abs(addend);
      boolean whole = addend == Math.rint(addend);
      for (int k = 0; k < DEPTH; k++) {
        double product = row[k] * column[k];
        absolute += Math.abs(product);
        whole &= product == Math.rint(product);
      }
      return whole && absolute < EXACT_BELOW ? 0 : BOUND * absolute;
    }
  }

  /** What a GPU makes of the bits that TF32 does not have, PTX leaves open. */
  private static double factor(int word, int lane) {
    float value = f32(word);
    if ((word & LOST_BITS) != 0 && !Float.isNaN(value)) {
      throw EmulatorFault.ofLane(
          FaultKind.NOT_ROUNDED, lane, "multiplies " + value + ", which is not a TF32 number");
    }
    return value;
  }
}
