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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The cases tell a shipped kernel from one with a mistake in it. What they cannot tell is listed in
 * surviving-mutants.txt, each under the reason why it computes the same.
 *
 * <p>There are some tens of thousands of mutants, most of them of unrolled copies of one line, or
 * of a line that several kernels share. A build tries each mutation of each line of source in the
 * first kernel that executes the line, once more in the first that does in clusters, and each
 * mutation at least once in each kernel. Kernels without clusters come first, then short ones:
 * their cases are cheaper. The copies of a line that no case reaches are passed over as long as
 * there is one that is reached.
 */
@Execution(ExecutionMode.CONCURRENT)
class MutationTest {
  private static final Map<String, MutantHunt> HUNTS = new TreeMap<>();
  private static final Map<String, List<Mutant>> CHOSEN = new TreeMap<>();
  private static final Set<String> EXISTING = new HashSet<>();
  private static List<String> explained;

  @BeforeAll
  static void choose() throws IOException {
    Set<String> tried = new HashSet<>();
    Map<String, Mutant> unreached = new LinkedHashMap<>();
    for (Entry entry : entries()) {
      MutantHunt hunt = new MutantHunt(entry.name());
      HUNTS.put(entry.name(), hunt);
      List<Mutant> chosen = new ArrayList<>();
      String inClusters = entry.clusterBlocks() > 1 ? " in clusters" : "";
      CHOSEN.put(entry.name(), chosen);
      for (Mutant mutant : Mutations.of(entry)) {
        EXISTING.add(mutant.name());
        List<String> untried =
            Stream.of(
                    mutant.mutation() + " of " + mutant.source() + inClusters,
                    mutant.mutation() + " in " + entry.name())
                .filter(what -> !tried.contains(what))
                .toList();
        if (!untried.isEmpty() && hunt.isReached(mutant)) {
          tried.addAll(untried);
          chosen.add(mutant);
        } else {
          untried.forEach(what -> unreached.putIfAbsent(what, mutant));
        }
      }
    }
    unreached.keySet().removeAll(tried);
    unreached.values().stream()
        .distinct()
        .forEach(mutant -> CHOSEN.get(mutant.entry().name()).add(mutant));
    explained = readTable();
  }

  private static List<Entry> entries() {
    return KernelCatalog.all().stream()
        .map(KernelSignature::ptx)
        .distinct()
        .sorted()
        .flatMap(file -> PtxParser.parse(ShippedPtx.text(file)).stream())
        .sorted(
            Comparator.comparingInt(Entry::clusterBlocks)
                .thenComparingInt(entry -> entry.instructions().size()))
        .toList();
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

  static Set<String> kernels() {
    return KernelCatalog.all().stream()
        .map(KernelSignature::symbol)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void everyMutantIsFoundOrExplained(String symbol) {
    MutantHunt hunt = HUNTS.get(symbol);
    Set<String> survivors = new TreeSet<>();
    Set<String> tried = new HashSet<>();
    for (Mutant mutant : CHOSEN.get(symbol)) {
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
    assertThat(CHOSEN.keySet()).isEqualTo(kernels());
    assertThat(CHOSEN.values()).allSatisfy(mutants -> assertThat(mutants).isNotEmpty());
  }

  @Test
  void whatIsExplainedExists() {
    assertThat(explained)
        .doesNotHaveDuplicates()
        .allSatisfy(name -> assertThat(EXISTING).contains(name));
  }
}
