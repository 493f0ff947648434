package io.github.distillcuda.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
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
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Clusters of blocks: their shared memory, their barrier, and the mistakes of clusters.cu. */
class ClusterTest {
  private static final int THREADS = 64;
  private static final int BLOCKS = 4;
  private static final PtxModule MODULE = Samples.module("clusters");

  private record Seeded(String kernel, FaultKind kind, String detail) {
    @Override
    public String toString() {
      return kernel;
    }
  }

  static Stream<Seeded> seededFaults() {
    return Stream.of(
        new Seeded("reads_without_waiting", FaultKind.UNINITIALISED, "offset 0 of pushed"),
        new Seeded("writes_before_the_other_runs", FaultKind.BLOCK_NOT_THERE, "may not run yet"),
        new Seeded("writes_after_the_other_left", FaultKind.BLOCK_NOT_THERE, "(0,0,0) has ended"),
        new Seeded("one_warp_never_arrives", FaultKind.LOST_ARRIVAL, "without having arrived"),
        new Seeded("some_lanes_never_arrive", FaultKind.LOST_ARRIVAL, "lane 0 is at"),
        new Seeded("one_warp_waits_for_its_block", FaultKind.DIVERGENT_BARRIER, "waits at another"),
        new Seeded("arrives_twice", FaultKind.LOST_ARRIVAL, "arrives twice"),
        new Seeded("overwrites_what_the_other_reads", FaultKind.RACE, "of kept (256 bytes)"),
        new Seeded("asks_for_a_third_block", FaultKind.WILD_ADDRESS, "no block of rank 2"));
  }

  @ParameterizedTest
  @MethodSource("seededFaults")
  void isFoundAndLocated(Seeded seeded) {
    EmulatorFault fault =
        catchThrowableOfType(
            EmulatorFault.class,
            () -> launch(seeded.kernel(), new EmulatedMemory(), ExecutionOrder.FORWARD));

    assertThat(fault).as("no fault was found in " + seeded.kernel()).isNotNull();
    assertThat(fault.kind()).as(fault.getMessage()).isEqualTo(seeded.kind());
    assertThat(fault.detail()).contains(seeded.detail());
    assertThat(Samples.linesWith("// fault", "clusters.cu", seeded.kernel()))
        .as(fault.getMessage())
        .contains(fault.site().orElseThrow().source().split(" > ")[0]);
  }

  @Test
  void everyKernelOfTheFileIsTested() {
    Set<String> tested =
        seededFaults().map(Seeded::kernel).collect(Collectors.toCollection(TreeSet::new));
    tested.add("exchanges");

    assertThat(tested).isEqualTo(new TreeSet<>(MODULE.kernelNames()));
  }

  @ParameterizedTest
  @EnumSource
  void blocksExchangeThroughSharedMemory(ExecutionOrder order) {
    EmulatedMemory memory = new EmulatedMemory();
    LaunchReport report = launch("exchanges", memory, order);
    Region y = memory.live().getLast();
    float[] results = HostBytes.toFloats(y.hostRead(0, y.size()));

    for (int block = 0; block < BLOCKS; block++) {
      int twin = (block ^ 1) * THREADS;
      for (int t = 0; t < THREADS; t++) {
        assertThat(results[block * THREADS + t])
            .isEqualTo(twin + THREADS - 1 - t + 10 * (twin + t));
      }
    }
    assertThat(report.traffic().requests(Traffic.Kind.CLUSTER_STORE)).isEqualTo(BLOCKS * 2);
    assertThat(report.traffic().requests(Traffic.Kind.CLUSTER_LOAD)).isEqualTo(BLOCKS * 2);
  }

  @Test
  void takesWholeClustersOnly() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Launch.of(MODULE.kernel("exchanges")).grid(3).run(new EmulatedMemory()))
        .withMessageContaining("clusters of 2");
  }

  private static LaunchReport launch(String kernel, EmulatedMemory memory, ExecutionOrder order) {
    Region x = memory.allocate("x", Float.BYTES * BLOCKS * THREADS);
    float[] values = new float[BLOCKS * THREADS];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    x.hostWrite(0, HostBytes.of(values));
    Region y = memory.allocate("y", Float.BYTES * BLOCKS * THREADS);
    return Launch.of(MODULE.kernel(kernel))
        .grid(BLOCKS)
        .block(THREADS)
        .arguments(y, x)
        .order(order)
        .fuel(100_000)
        .run(memory);
  }
}
