package io.github.distillcuda.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.machine.Traffic;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The counters, on access patterns whose numbers can be worked out by hand. */
class MetricsTest {
  private static final int FLOATS = 1024;
  private static final PtxModule PATTERNS = Samples.module("patterns");

  /**
   * A kernel of patterns.cu, one warp.
   *
   * @param read distinct bytes of x read
   * @param written distinct bytes of y written
   */
  private record Pattern(
      String kernel, long loadSectors, long storeSectors, long read, long written, long conflicts) {
    @Override
    public String toString() {
      return kernel;
    }
  }

  static Stream<Pattern> patterns() {
    return Stream.of(
        // 32 floats are 128 bytes: 4 sectors of 32
        new Pattern("coalesced", 4, 4, 128, 128, 0),
        new Pattern("shifted_by_one", 5, 4, 128, 128, 0),
        new Pattern("strided", 32, 4, 128, 128, 0),
        new Pattern("broadcast", 1, 4, 4, 128, 0),
        new Pattern("vectors", 16, 16, 512, 512, 0),
        new Pattern("bytes_of_a_warp", 1, 1, 32, 32, 0),
        new Pattern("exponentials", 4, 4, 128, 128, 0),
        // two loads of x, one of y, two stores: requests count each, bytes once
        new Pattern("reads_twice_and_writes_in_place", 12, 8, 128, 128, 0),
        new Pattern("branches_once", 0, 8, 0, 192, 0),
        new Pattern("three_barriers", 0, 12, 0, 128, 0),
        // one shared store and one load each: a conflict is one more pass
        new Pattern("row_walk", 0, 4, 0, 128, 0),
        new Pattern("column_walk", 0, 4, 0, 128, 62), // all 32 lanes in one bank, twice
        new Pattern("padded_column_walk", 0, 4, 0, 128, 0),
        new Pattern("every_other_word", 0, 4, 0, 128, 2), // two lanes in each of 16 banks
        new Pattern("pairs_share_a_word", 0, 4, 0, 128, 30), // 16 words of one bank
        new Pattern("vector_rows", 16, 16, 512, 512, 0)); // a quarter of a warp at a time
  }

  @ParameterizedTest
  @MethodSource("patterns")
  void countsWhatWasWorkedOutByHand(Pattern pattern) {
    LaunchReport report = launch(pattern.kernel());
    LaunchReport.Touched none = new LaunchReport.Touched(0, 0);

    assertThat(report.traffic().sectors(Traffic.Kind.GLOBAL_LOAD)).isEqualTo(pattern.loadSectors());
    assertThat(report.traffic().sectors(Traffic.Kind.GLOBAL_STORE))
        .isEqualTo(pattern.storeSectors());
    assertThat(report.touched().getOrDefault("x", none).bytesRead()).isEqualTo(pattern.read());
    assertThat(report.touched().get("y").bytesWritten()).isEqualTo(pattern.written());
    assertThat(report.traffic().bankConflicts()).isEqualTo(pattern.conflicts());
  }

  @Test
  void everyKernelOfTheFileIsTested() {
    Set<String> tested =
        patterns().map(Pattern::kernel).collect(Collectors.toCollection(TreeSet::new));

    assertThat(tested).isEqualTo(new TreeSet<>(PATTERNS.kernelNames()));
  }

  @Test
  void bytesReadBackFromOnesOwnOutputAreCountedOnce() {
    LaunchReport report = launch("reads_twice_and_writes_in_place");

    assertThat(report.touched().get("y")).isEqualTo(new LaunchReport.Touched(128, 128));
    assertThat(report.bytesRead()).isEqualTo(256);
    assertThat(report.bytesWritten()).isEqualTo(128);
  }

  @Test
  void aBranchIsDivergentOnlyWhereItPartsTheLanes() {
    assertThat(launch("branches_once").divergentBranches()).isEqualTo(1);
    assertThat(launch("coalesced").divergentBranches()).isZero();
  }

  @Test
  void barriersAndExponentialsAreCounted() {
    assertThat(launch("three_barriers").barriers()).isEqualTo(3);
    assertThat(launch("exponentials").exponentials()).isEqualTo(2 * 32);
    assertThat(launch("coalesced").exponentials()).isZero();
  }

  @Test
  void instructionsAreCountedByWarpAndByThread() {
    LaunchReport report = launch("coalesced");

    assertThat(report.threadInstructions()).isEqualTo(32 * report.warpInstructions());
    assertThat(report.sumOf("ld.global")).isEqualTo(32);
    assertThat(report.sumOf("st.global")).isEqualTo(32);
    assertThat(report.traffic().requests(Traffic.Kind.GLOBAL_LOAD)).isEqualTo(1);
    assertThat(report.threadInstructionsByMnemonic().values().stream().mapToLong(n -> n).sum())
        .isEqualTo(report.threadInstructions());
  }

  @Test
  void everyLaunchCountsAnew() {
    EmulatedMemory memory = new EmulatedMemory();
    Region y = memory.allocate("y", 4 * FLOATS);
    Region x = initialised(memory);

    LaunchReport first = launch("coalesced", memory, y, x);
    LaunchReport second = launch("coalesced", memory, y, x);

    assertThat(second.touched()).isEqualTo(first.touched());
    assertThat(second.warpInstructions()).isEqualTo(first.warpInstructions());
  }

  private static LaunchReport launch(String kernel) {
    EmulatedMemory memory = new EmulatedMemory();
    return launch(kernel, memory, memory.allocate("y", 4 * FLOATS), initialised(memory));
  }

  private static LaunchReport launch(String kernel, EmulatedMemory memory, Region y, Region x) {
    return Launch.of(PATTERNS.kernel(kernel)).block(32).arguments(y, x).run(memory);
  }

  private static Region initialised(EmulatedMemory memory) {
    Region x = memory.allocate("x", 4 * FLOATS);
    x.hostWrite(0, HostBytes.of(new float[FLOATS]));
    return x;
  }
}
