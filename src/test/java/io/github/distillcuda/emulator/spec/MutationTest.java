package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.PtxParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The cases tell a shipped kernel from one with a mistake in it. What they cannot tell is listed in
 * surviving-mutants.txt, each under the reason why it computes the same.
 *
 * <p>There are some tens of thousands of mutants, most of them of unrolled copies of one line, or
 * of a line that several kernels share. A build tries each mutation of each line of source in the
 * shortest kernel that has the line, and each mutation at least once in each kernel.
 */
class MutationTest {
  /** Kernels whose mutants are still to be tried: the cases of some take long. */
  private static final Set<String> LATER =
      Set.of(
          "distillation_loss_unfused_wide.ptx",
          "temperature_softmax_wide.ptx",
          "distillation_loss_wide.ptx",
          "filter_gradient.ptx",
          "image_convolution.ptx");

  private static Map<String, List<Mutant>> chosen;
  private static Set<String> existing;
  private static List<String> explained;

  @BeforeAll
  static void choose() throws IOException {
    List<Entry> entries =
        KernelCatalog.all().stream()
            .map(KernelSignature::ptx)
            .distinct()
            .filter(file -> !isLater(file))
            .sorted()
            .flatMap(file -> PtxParser.parse(ShippedPtx.text(file)).stream())
            .sorted(Comparator.comparingInt(entry -> entry.instructions().size()))
            .toList();
    chosen = new TreeMap<>();
    existing = new HashSet<>();
    Set<String> tried = new HashSet<>();
    for (Entry entry : entries) {
      List<Mutant> ofKernel = new ArrayList<>();
      for (Mutant mutant : Mutations.of(entry)) {
        existing.add(mutant.name());
        boolean isNewLine = tried.add(mutant.mutation() + " of " + mutant.source());
        boolean isNewInKernel = tried.add(mutant.mutation() + " in " + entry.name());
        if (isNewLine || isNewInKernel) {
          ofKernel.add(mutant);
        }
      }
      chosen.put(entry.name(), ofKernel);
    }
    explained = readTable();
  }

  /** The names in the table; lines that begin with # are the reasons of those below. */
  private static List<String> readTable() throws IOException {
    try (InputStream in = MutationTest.class.getResourceAsStream("surviving-mutants.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .toList();
    }
  }

  private static boolean isLater(String ptx) {
    return LATER.contains(ptx.substring(ptx.indexOf('/') + 1));
  }

  static Set<String> kernels() {
    return KernelCatalog.all().stream()
        .filter(kernel -> !isLater(kernel.ptx()))
        .map(KernelSignature::symbol)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void everyMutantIsFoundOrExplained(String symbol) {
    MutantHunt hunt = new MutantHunt(symbol);
    Set<String> survivors = new TreeSet<>();
    Set<String> tried = new HashSet<>();
    for (Mutant mutant : chosen.get(symbol)) {
      tried.add(mutant.name());
      if (hunt.isSurvivor(mutant)) {
        survivors.add(mutant.name());
      }
    }
    assertThat(survivors)
        .as("survivors of %d mutants, against those explained", tried.size())
        .isEqualTo(
            explained.stream()
                .filter(tried::contains)
                .collect(Collectors.toCollection(TreeSet::new)));
  }

  @Test
  void everyKernelHasMutants() {
    assertThat(chosen.keySet()).isEqualTo(kernels());
    assertThat(chosen.values()).allSatisfy(mutants -> assertThat(mutants).isNotEmpty());
  }

  @Test
  void whatIsExplainedExists() {
    assertThat(explained)
        .doesNotHaveDuplicates()
        .allSatisfy(name -> assertThat(existing).contains(name));
  }
}
