package io.github.distillcuda.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Correct kernels run without a fault, in every order, and compute what they say. */
class CleanKernelTest {
  private static final int N = 64;
  private static final int BLOCKS = 2;
  private static final PtxModule CLEAN = Samples.module("clean");

  /**
   * A kernel and its result.
   *
   * @param expected what thread t of each block must write
   */
  private record Clean(String kernel, IntToDoubleFunction expected) {
    @Override
    public String toString() {
      return kernel;
    }
  }

  static Stream<Clean> cleanKernels() {
    return Stream.of(
        new Clean("exchanges_with_a_barrier", t -> 3 * x(63 - t) + 3),
        new Clean("exchanges_with_a_warp_barrier", t -> x(t ^ 1)),
        new Clean("exchanges_through_global_memory", t -> x(63 - t)),
        new Clean("neighbouring_bytes", t -> 0),
        new Clean("counts_atomically", t -> 32), // x is positive in the upper half
        new Clean("half_warps_shuffle_apart", t -> sumOfHalfWarp(t / 16)),
        new Clean("everybody_reads_one_word", t -> x(0) + 2),
        new Clean("generic_addresses", t -> x(t)));
  }

  private static double x(int i) {
    return i - 31;
  }

  private static double sumOfHalfWarp(int half) {
    double sum = 0;
    for (int i = 16 * half; i < 16 * half + 16; i++) {
      sum += x(i);
    }
    return sum;
  }

  @ParameterizedTest
  @MethodSource("cleanKernels")
  void hasNoFault(Clean clean) {
    float[] expected = new float[BLOCKS * N];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = (float) clean.expected().applyAsDouble(i % N);
    }
    for (ExecutionOrder order : ExecutionOrder.values()) {
      EmulatedMemory memory = new EmulatedMemory();
      Region y = memory.allocate("y", 4 * BLOCKS * N);
      Region x = memory.allocate("x", 4 * N);
      float[] inputs = new float[N];
      for (int i = 0; i < N; i++) {
        inputs[i] = (float) x(i);
      }
      x.hostWrite(0, HostBytes.of(inputs));

      Launch.of(CLEAN.kernel(clean.kernel()))
          .grid(BLOCKS)
          .block(N)
          .arguments(y, x, N)
          .order(order)
          .run(memory);

      float[] result = HostBytes.toFloats(y.hostRead(0, y.size()));
      assertThat(result).as(order.toString()).isEqualTo(expected);
    }
  }

  @Test
  void everyKernelOfTheFileIsTested() {
    Set<String> tested =
        cleanKernels().map(Clean::kernel).collect(Collectors.toCollection(TreeSet::new));

    assertThat(tested).isEqualTo(new TreeSet<>(CLEAN.kernelNames()));
  }
}
