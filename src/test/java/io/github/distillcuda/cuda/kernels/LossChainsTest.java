package io.github.distillcuda.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the fused loss saves, by counting, and the table of it in {@code kernels/README.md}. */
class LossChainsTest {
  @Test
  void eagerChainHasTheOperationsOfPyTorch() {
    // Counted in PyTorch 2.13 with a TorchDispatchMode: 15 forward, 12 backward.
    assertThat(LossChains.eager(64, 10)).hasSize(27);
    // 16 of them take whole tensors, in 36 accesses; ours are 35, because xlogy(q, q) reads q once.
    List<LossChains.Launch> eager = LossChains.eager(1000, 1000);
    assertThat(eager.stream().filter(launch -> launch.kernel().floorBytes(launch.sizes()) > 1e6))
        .hasSize(16);
    assertThat(Math.round(LossChains.floorBytes(eager) / (4.0 * 1000 * 1000))).isEqualTo(35);
  }

  @ParameterizedTest
  @CsvSource({"64, 10", "64, 100", "64, 1000", "1048576, 10", "131072, 100", "65536, 1000"})
  void fusedTouchesATenthOfEagerAndAFifthOfTheFormulas(int rows, int classes) {
    double fused = LossChains.floorBytes(LossChains.fused(rows, classes));
    assertThat(LossChains.floorBytes(LossChains.eager(rows, classes)) / fused)
        .isGreaterThanOrEqualTo(10);
    assertThat(LossChains.floorBytes(LossChains.formulas(rows, classes)) / fused)
        .isGreaterThanOrEqualTo(5);
  }

  @Test
  void tableOfTheReadmeIsWhatTheChainsGive() {
    String readme = PtxEntries.read(PtxEntries.KERNELS.resolve("README.md"));
    for (int classes : new int[] {10, 100, 1000}) {
      assertThat(readme)
          .contains(
              row(
                  64,
                  "" + classes,
                  LossChains.fused(64, classes),
                  LossChains.formulas(64, classes),
                  LossChains.eager(64, classes)));
    }
    assertThat(readme).contains(ofVocabulary(ElementType.FLOAT32, "128256, float32"));
    assertThat(readme).contains(ofVocabulary(ElementType.BFLOAT16, "128256, bfloat16"));
  }

  private static String ofVocabulary(ElementType type, String description) {
    int rows = 512;
    int classes = 128_256;
    KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
    KernelSignature fused = DistillationLossFusedKernels.select(type, sizes, 90, 227 * 1024);
    return row(
        rows,
        description,
        LossChains.fused(fused, rows, classes),
        LossChains.formulas(type, rows, classes),
        LossChains.eager(type, rows, classes));
  }

  private static String row(
      int rows,
      String classes,
      List<LossChains.Launch> fused,
      List<LossChains.Launch> formulas,
      List<LossChains.Launch> eager) {
    double floor = LossChains.floorBytes(fused);
    return String.format(
        Locale.ROOT,
        "| %d | %s | %d | %,d | %d | %,d (%.1fx) | %d | %,d (%.1fx) |",
        rows,
        classes,
        fused.size(),
        (long) floor,
        formulas.size(),
        LossChains.floorBytes(formulas),
        LossChains.floorBytes(formulas) / floor,
        eager.size(),
        LossChains.floorBytes(eager),
        LossChains.floorBytes(eager) / floor);
  }
}
