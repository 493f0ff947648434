package io.github.distillcuda.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Lanes that part compute what they would alone, and are together again right afterwards. */
class ReconvergenceTest {
  private static final int LANES = 32;
  private static final PtxModule KERNELS = Samples.module("divergence");

  /**
   * A kernel of divergence.cu.
   *
   * @param expected the value of lane t
   * @param together the number of lanes that come together at its end
   */
  private record Diverging(String kernel, IntUnaryOperator expected, int together) {
    @Override
    public String toString() {
      return kernel;
    }
  }

  static Stream<Diverging> kernels() {
    return Stream.of(
        new Diverging("nested_branches", ReconvergenceTest::nestedBranches, 32),
        new Diverging("loop_of_different_lengths", ReconvergenceTest::loop, 32),
        new Diverging("loop_in_a_branch_in_a_loop", ReconvergenceTest::loopInBranch, 32),
        new Diverging("some_leave_early", t -> t < 20 ? t : -1, 20),
        new Diverging("either_of_two_conditions", ReconvergenceTest::twoConditions, 32),
        new Diverging("cases_that_fall_through", ReconvergenceTest::cases, 32),
        new Diverging(
            "late_lanes_join_a_shuffle", t -> (t ^ 1) % 2 == 1 ? 2 * (t ^ 1) : t ^ 1, 32));
  }

  private static int nestedBranches(int t) {
    if (t % 2 == 1) {
      return t % 4 == 3 ? 111 : 121;
    }
    return (t & 4) != 0 ? 1000 : 0;
  }

  private static int loop(int t) {
    int sum = 0;
    for (int i = 0; i < t && i <= 20; i++) {
      sum += i % 3 == 1 ? 0 : i;
    }
    return sum;
  }

  private static int loopInBranch(int t) {
    int ones = Integer.bitCount(t & 15);
    return ones * (t % 5) + 100 * (4 - ones);
  }

  private static int twoConditions(int t) {
    return (t < 8 && t != 3) || (t > 24 && t != 30) ? -t : t;
  }

  private static int cases(int t) {
    return switch (t % 5) {
      case 0 -> 11;
      case 1 -> 10;
      case 3 -> 1100;
      default -> 1000;
    };
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void computesAndComesTogether(Diverging diverging) {
    float[] y = run(KERNELS.kernel(diverging.kernel()));

    for (int t = 0; t < LANES; t++) {
      assertThat(y[t]).as("lane " + t).isEqualTo((float) diverging.expected().applyAsInt(t));
      float together = t < diverging.together() ? diverging.together() : -1;
      assertThat(y[LANES + t]).as("lanes together with lane " + t).isEqualTo(together);
    }
  }

  @Test
  void everyKernelOfTheFileIsTested() {
    Set<String> tested =
        kernels().map(Diverging::kernel).collect(Collectors.toCollection(TreeSet::new));

    assertThat(tested).isEqualTo(new TreeSet<>(KERNELS.kernelNames()));
  }

  /**
   * Compilers put rare code behind all the rest, so that lanes reach a shuffle or a barrier while
   * others still are at higher instructions and have to come back.
   */
  @Test
  void lanesAreAwaitedThatComeBackFromBehind() {
    String text =
        """
        .version 7.0
        .target sm_75
        .address_size 64
        .visible .entry one(.param .u64 y)
        {
          .reg .pred %odd;
          .reg .b32 %t, %bit, %v, %w;
          .reg .f32 %f, %together;
          .reg .b64 %to, %offset;
          mov.u32 %t, %tid.x;
          mov.u32 %v, %t;
          and.b32 %bit, %t, 1;
          setp.eq.s32 %odd, %bit, 1;
          @%odd bra $FAR;
        $JOIN:
          shfl.sync.bfly.b32 %w, %v, 1, 31, -1;
          bar.sync 0;
          ld.param.u64 %to, [y];
          mul.wide.s32 %offset, %t, 4;
          add.s64 %to, %to, %offset;
          cvt.rn.f32.s32 %f, %w;
          st.global.f32 [%to], %f;
          activemask.b32 %w;
          popc.b32 %w, %w;
          cvt.rn.f32.s32 %together, %w;
          st.global.f32 [%to+128], %together;
          ret;
        $FAR:
          add.s32 %v, %v, 100;
          bra $JOIN;
        }
        """;

    float[] y = run(PtxModule.parse(text).kernel("one"));

    for (int t = 0; t < LANES; t++) {
      assertThat(y[t]).isEqualTo((float) (t % 2 == 0 ? t + 101 : t - 1));
      assertThat(y[LANES + t]).isEqualTo(32f);
    }
  }

  private static float[] run(EmulatedKernel kernel) {
    EmulatedMemory memory = new EmulatedMemory();
    Region y = memory.allocate("y", 8 * LANES);
    Launch.of(kernel).block(LANES).arguments(y).order(ExecutionOrder.FORWARD).run(memory);
    return HostBytes.toFloats(y.hostRead(0, y.size()));
  }
}
