package io.github.distillcuda.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the fused loss saves, by counting, and the table of it in {@code kernels/README.md}. */
class LossChainsTest {
  @Test
  void eagerChainHasTheOperationsOfPyTorch() {
    // Counted in PyTorch 2.13 with a TorchDispatchMode: 15 forward, 12 backward.
    assertThat(LossChains.eager(loss(64, 10))).hasSize(27);
    // 16 of them take whole tensors, in 36 accesses; ours are 35, because xlogy(q, q) reads q once.
    List<LossChains.Launch> eager = LossChains.eager(loss(1000, 1000));
    assertThat(eager.stream().filter(launch -> launch.kernel().floorBytes(launch.sizes()) > 1e6))
        .hasSize(16);
    assertThat(Math.round(floorBytes(eager) / (4.0 * 1000 * 1000))).isEqualTo(35);
  }

  /** What a kernel reads was given or written before, and what is written is read or a result. */
  @ParameterizedTest
  @CsvSource({"0", "0.7", "1"})
  void arraysAreWrittenBeforeTheyAreReadAndNoneInVain(double alpha) {
    LossChains.Loss loss = new LossChains.Loss(ElementType.FLOAT32, 1000, 100, 5, alpha);
    Set<String> rows = Set.of("distillation", "crossEntropy", "outcome", "dz");
    check(LossChains.formulas(loss), rows);
    check(
        LossChains.eager(loss),
        Set.of("dz", "loss", LossChains.DISTILLATION_MEAN, LossChains.CROSS_ENTROPY_MEAN));
  }

  private static void check(List<LossChains.Launch> chain, Set<String> results) {
    Set<String> known = new HashSet<>(Set.of("z", "v", "labels", "labelledRows"));
    Set<String> unread = new HashSet<>();
    for (LossChains.Launch launch : chain) {
      for (KernelParameter.Pointer pointer : launch.kernel().pointers()) {
        String array = launch.arrays().get(pointer.name());
        if (pointer.reads().applyAsLong(launch.sizes()) > 0) {
          assertThat(known).as("%s", launch).contains(array);
          unread.remove(array);
        }
      }
      for (KernelParameter.Pointer pointer : launch.kernel().pointers()) {
        if (pointer.writes().applyAsLong(launch.sizes()) > 0) {
          known.add(launch.arrays().get(pointer.name()));
          unread.add(launch.arrays().get(pointer.name()));
        }
      }
    }
    assertThat(unread).isSubsetOf(results).contains("dz");
  }

  @Test
  void neitherTeacherNorLabelsAreReadWhereTheyHaveNoWeight() {
    LossChains.Loss hard = new LossChains.Loss(ElementType.FLOAT32, 64, 10, 5, 0);
    // log_softmax, nll_loss, ones_like, nll_loss_backward, _log_softmax_backward_data
    assertThat(LossChains.eager(hard)).hasSize(5);
    assertThat(arrays(LossChains.eager(hard))).doesNotContain("v");
    assertThat(arrays(LossChains.formulas(hard))).doesNotContain("v");
    LossChains.Loss soft = new LossChains.Loss(ElementType.FLOAT32, 64, 10, 5, 1);
    assertThat(arrays(LossChains.eager(soft))).doesNotContain("labels");
  }

  private static List<String> arrays(List<LossChains.Launch> chain) {
    return chain.stream().flatMap(launch -> launch.arrays().values().stream()).toList();
  }

  @ParameterizedTest
  @CsvSource({"64, 10", "64, 100", "64, 1000", "1048576, 10", "131072, 100", "65536, 1000"})
  void fusedTouchesATenthOfEagerAndAFifthOfTheFormulas(int rows, int classes) {
    double fused = floorBytes(LossChains.fused(loss(rows, classes)));
    assertThat(floorBytes(LossChains.eager(loss(rows, classes))) / fused)
        .isGreaterThanOrEqualTo(10);
    assertThat(floorBytes(LossChains.formulas(loss(rows, classes))) / fused)
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
                  LossChains.fused(loss(64, classes)),
                  LossChains.formulas(loss(64, classes)),
                  LossChains.eager(loss(64, classes))));
    }
    assertThat(readme).contains(ofVocabulary(ElementType.FLOAT32, "128256, float32"));
    assertThat(readme).contains(ofVocabulary(ElementType.BFLOAT16, "128256, bfloat16"));
  }

  private static String ofVocabulary(ElementType type, String description) {
    int rows = 512;
    int classes = 128_256;
    KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
    LossChains.Loss loss = new LossChains.Loss(type, rows, classes, 5, 0.7);
    KernelSignature fused =
        KernelCatalog.select(DistillationLossFusedKernels.of(type), sizes, 90, 227 * 1024);
    return row(
        rows,
        description,
        LossChains.fused(loss, fused),
        LossChains.formulas(loss),
        LossChains.eager(loss));
  }

  private static String row(
      int rows,
      String classes,
      List<LossChains.Launch> fused,
      List<LossChains.Launch> formulas,
      List<LossChains.Launch> eager) {
    double floor = floorBytes(fused);
    return String.format(
        Locale.ROOT,
        "| %d | %s | %d | %,d | %d | %,d (%.1fx) | %d | %,d (%.1fx) |",
        rows,
        classes,
        fused.size(),
        (long) floor,
        formulas.size(),
        floorBytes(formulas),
        floorBytes(formulas) / floor,
        eager.size(),
        floorBytes(eager),
        floorBytes(eager) / floor);
  }

  private static LossChains.Loss loss(int rows, int classes) {
    return new LossChains.Loss(ElementType.FLOAT32, rows, classes, 5, 0.7);
  }

  /** The least traffic of a chain: what each launch must read and write. */
  private static long floorBytes(List<LossChains.Launch> chain) {
    return chain.stream().mapToLong(launch -> launch.kernel().floorBytes(launch.sizes())).sum();
  }
}
