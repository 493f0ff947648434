package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.machine.Approximation;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every instruction that works lane by lane, against an oracle that shares no code with it. */
class InstructionVectorTest {
  /** These move data between lanes or memory and have tests of their own. */
  private static final List<String> TESTED_ELSEWHERE =
      List.of(
          "ld.",
          "st.",
          "atom.",
          "red.", // MemoryInstructionTest
          "shfl.",
          "vote.",
          "match.",
          "redux.",
          "bar.warp.",
          "activemask.", // WarpInstructionTest
          "bra",
          "ret",
          "exit",
          "trap",
          "bar.sync",
          "barrier.sync",
          "barrier.cluster.", // ClusterTest
          "mma.", // MatrixInstructionTest
          "mapa.",
          "membar.", // kernels
          "cvta.", // CleanKernelTest, generic_addresses
          "ex2.",
          "lg2.",
          "rcp.approx",
          "rsqrt.",
          "sqrt.approx",
          "div.approx",
          "div.full"); //

  // ApproximateInstructionTest

  static Stream<VectorCase> instructions() {
    return Stream.of(
            IntegerVectors.all(),
            BitVectors.all(),
            FloatVectors.all(),
            Bfloat16Vectors.all(),
            CompareVectors.all(),
            ConvertVectors.all(),
            MoveVectors.all())
        .flatMap(List::stream);
  }

  @ParameterizedTest
  @MethodSource("instructions")
  void givesWhatTheOracleSays(VectorCase instruction) {
    long[] results = InstructionHarness.run(instruction, Approximation.EXACT);

    for (int i = 0; i < results.length; i++) {
      long[] arguments = instruction.arguments().get(i);
      long expected = instruction.oracle().expected(arguments);
      assertThat(instruction.canonical(results[i]))
          .as(
              "%s of %s",
              instruction, Arrays.stream(arguments).mapToObj(Long::toHexString).toList())
          .isEqualTo(instruction.canonical(expected));
    }
  }

  @Test
  void everyMnemonicIsTested() {
    Set<String> tested =
        instructions().map(VectorCase::mnemonic).collect(Collectors.toCollection(TreeSet::new));
    Predicate<String> elsewhere = name -> TESTED_ELSEWHERE.stream().anyMatch(name::startsWith);
    Set<String> known =
        OpTable.mnemonics().stream()
            .filter(elsewhere.negate())
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(tested).isEqualTo(known);
  }
}
