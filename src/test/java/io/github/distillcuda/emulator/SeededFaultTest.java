package io.github.distillcuda.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.fault.FaultSite;
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

/** Every kernel of faults.cu has one mistake; the emulator finds each and says where. */
class SeededFaultTest {
  private static final int N = 64;
  private static final PtxModule FAULTS = Samples.module("faults");

  /**
   * A kernel and what its fault must say.
   *
   * @param thread of the fault
   * @param detail a part of the detail
   */
  private record Seeded(String kernel, int blocks, FaultKind kind, String thread, String detail) {
    @Override
    public String toString() {
      return kernel;
    }
  }

  static Stream<Seeded> seededFaults() {
    return Stream.of(
        // memory
        one("writes_behind_the_end", 2, FaultKind.OUT_OF_BOUNDS, 0, "offset 256 of y (256 bytes)"),
        one("reads_before_the_start", 1, FaultKind.OUT_OF_BOUNDS, 0, "offset -4 of x (256 bytes)"),
        one("misaligned_vector", 1, FaultKind.MISALIGNED, 0, "16 bytes at offset 4 of y"),
        one("follows_a_wild_pointer", 1, FaultKind.WILD_ADDRESS, 0, "address 0x1270"),
        one("reads_unwritten_global", 1, FaultKind.UNINITIALISED, 0, "offset 160 of y"),
        one("reads_unwritten_shared", 1, FaultKind.UNINITIALISED, 0, "offset 0 of s (256 bytes)"),
        one("reads_unwritten_local", 1, FaultKind.UNINITIALISED, 4, "offset 16 of __local_depot"),
        one("overruns_a_shared_array", 1, FaultKind.OUT_OF_BOUNDS, 32, "first (128 bytes)"),
        one("reads_its_own_bytes_back", 1, FaultKind.UNINITIALISED, 0, "offset 1 of y"),
        one("writes_what_it_reads_as_read_only", 1, FaultKind.READ_ONLY, 0, "offset 0 of x"),
        one("reads_as_read_only_what_it_wrote", 1, FaultKind.READ_ONLY, 0, "offset 0 of y"),
        // races
        one("exchanges_without_a_barrier", 1, FaultKind.RACE, 0, "written by thread (1,0,0)"),
        one(
            "exchanges_between_warps_without_a_barrier",
            1,
            FaultKind.RACE,
            32,
            "written by thread (0,0,0) of block (0,0,0)"),
        one("overwrites_what_others_read", 1, FaultKind.RACE, 32, "written by thread (31,0,0)"),
        one("adds_into_a_shared_place", 1, FaultKind.RACE, 1, "offset 0 of y"),
        one("blocks_write_the_same_value", 2, FaultKind.RACE, 0, "of block (0,0,0)"),
        one("reads_what_another_block_writes", 2, FaultKind.RACE, 0, "reads offset 0 of y"),
        one("mixes_atomic_and_plain", 1, FaultKind.RACE, 0, "of sum (4 bytes)"),
        one("two_threads_write_one_byte", 1, FaultKind.RACE, 63, "offset 0 of y"),
        one("forgets_the_second_barrier", 1, FaultKind.RACE, 32, "written by thread (31,0,0)"),
        // barriers
        one("barrier_for_some_lanes", 1, FaultKind.DIVERGENT_BARRIER, 32, "lane 8 has ended"),
        one("two_barriers_against_three", 1, FaultKind.DIVERGENT_BARRIER, 32, "(0,0,0) has ended"),
        one("one_warp_leaves_early", 1, FaultKind.DIVERGENT_BARRIER, 32, "(0,0,0) has ended"),
        one("warps_at_different_barriers", 1, FaultKind.DIVERGENT_BARRIER, 32, "faults.cu:"),
        // warp-wide instructions
        one("lanes_leave_before_a_shuffle", 1, FaultKind.ABSENT_LANE, 0, "lane 20 has ended"),
        one("mask_omits_the_caller", 1, FaultKind.ABSENT_LANE, 16, "member mask 0000ffff"),
        one("reads_a_lane_that_is_not_a_member", 1, FaultKind.ABSENT_LANE, 12, "reads lane 16"),
        one("votes_in_one_branch", 1, FaultKind.ABSENT_LANE, 1, "lane 0"),
        one("warp_barrier_in_one_branch", 1, FaultKind.ABSENT_LANE, 1, "lane 0"),
        // the rest
        one("never_ends", 1, FaultKind.RUNAWAY, 0, "fuel"),
        one("divides_by_zero", 1, FaultKind.DIVISION_BY_ZERO, 5, "the divisor is 0"),
        one("stops_itself", 1, FaultKind.TRAP, 7, "stops itself"));
  }

  private static Seeded one(String kernel, int blocks, FaultKind kind, int thread, String detail) {
    return new Seeded(kernel, blocks, kind, "(" + thread + ",0,0)", detail);
  }

  @ParameterizedTest
  @MethodSource("seededFaults")
  void isFoundAndLocated(Seeded seeded) {
    EmulatedMemory memory = new EmulatedMemory();
    EmulatorFault fault = launch(seeded.kernel(), seeded.blocks(), memory);

    assertThat(fault).as("no fault was found in " + seeded.kernel()).isNotNull();
    FaultSite site = fault.site().orElseThrow();
    assertThat(fault.kind()).as(fault.getMessage()).isEqualTo(seeded.kind());
    assertThat(site.kernel()).isEqualTo(seeded.kernel());
    assertThat(Samples.linesWith("// fault", "faults.cu", seeded.kernel()))
        .as(fault.getMessage())
        .contains(site.source().split(" > ")[0]);
    assertThat(site.thread()).as(fault.getMessage()).isEqualTo(seeded.thread());
    assertThat(fault.detail()).contains(seeded.detail());
  }

  @Test
  void everyKernelOfTheFileIsTested() {
    Set<String> tested =
        seededFaults().map(Seeded::kernel).collect(Collectors.toCollection(TreeSet::new));

    assertThat(tested).isEqualTo(new TreeSet<>(FAULTS.kernelNames()));
  }

  @Test
  void anAllocationIsRememberedAfterItsEnd() {
    EmulatedMemory memory = new EmulatedMemory();
    Region y = memory.allocate("y", 4 * N);
    Region x = memory.allocate("x", 4 * N);
    memory.free(y);

    EmulatorFault fault =
        catchThrowableOfType(
            EmulatorFault.class,
            () -> Launch.of(FAULTS.kernel("stops_itself")).block(N).arguments(y, x, N).run(memory));
    EmulatorFault late =
        catchThrowableOfType(
            EmulatorFault.class,
            () ->
                Launch.of(FAULTS.kernel("adds_into_a_shared_place"))
                    .block(N)
                    .arguments(y, initialised(x), N)
                    .run(memory));

    assertThat(fault.kind()).isEqualTo(FaultKind.TRAP); // a stale argument alone does no harm
    assertThat(late.kind()).isEqualTo(FaultKind.USE_AFTER_FREE);
    assertThat(late.detail()).contains("offset 0 of y");
  }

  private static EmulatorFault launch(String kernel, int blocks, EmulatedMemory memory) {
    Region y = memory.allocate("y", 4 * N);
    Region x = initialised(memory.allocate("x", 4 * N));
    return catchThrowableOfType(
        EmulatorFault.class,
        () ->
            Launch.of(FAULTS.kernel(kernel))
                .grid(blocks)
                .block(N)
                .arguments(y, x, N)
                .fuel(100_000)
                .run(memory));
  }

  /** 0 in even places, 1 in odd ones: kernels that branch on it part neighbouring lanes. */
  private static Region initialised(Region region) {
    float[] values = new float[N];
    for (int i = 0; i < N; i++) {
      values[i] = i & 1;
    }
    region.hostWrite(0, HostBytes.of(values));
    return region;
  }
}
