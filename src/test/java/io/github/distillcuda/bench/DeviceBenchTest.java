package io.github.distillcuda.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.gpu.Gpu;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The device bench on an emulated device, where its times mean nothing: so that it works on one.
 */
class DeviceBenchTest {
  private static final long LIMIT_MILLIS = 1;
  private static final long CEILING_BYTES = 1 << 16;
  private static final int IMAGES = 80;
  private static final long LARGEST = 4 << 20;

  @Test
  void everyKernelIsTimed() {
    Set<String> timed =
        KernelMatrix.all().stream()
            .flatMap(workload -> workload.steps().stream())
            .map(step -> step.kernel().symbol())
            .collect(Collectors.toSet());

    assertThat(timed)
        .isEqualTo(
            KernelCatalog.all().stream().map(KernelSignature::symbol).collect(Collectors.toSet()));
  }

  @Test
  void ceilingsAndSmallWorkloadsAreCapturedAndReplayed() {
    EmulatedDevice device = new EmulatedDevice().withoutKernels();
    try (Gpu gpu = Gpu.open(device.driver());
        DeviceScope scope = new DeviceScope()) {
      DeviceBench bench = new DeviceBench(gpu, scope, LIMIT_MILLIS, CEILING_BYTES, IMAGES);

      assertThat(bench.ceilings())
          .extracting(DeviceBench.Row::variant)
          .containsExactly("copy", "add", "read", "cuMemcpyDtoDAsync", "empty kernel");
      for (Workload workload : KernelMatrix.all()) {
        if (workload.byteSize(IMAGES) <= LARGEST) {
          assertThat(bench.time(workload))
              .as(workload.variant())
              .hasSize(2)
              .allSatisfy(row -> assertThat(row.launches()).isGreaterThanOrEqualTo(20));
        }
      }
    }
    assertThat(device.live()).isEmpty();
  }

  @Test
  void threeFormsOfTheLossLeaveOneGradient() {
    try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
        DeviceScope scope = new DeviceScope()) {
      DeviceBench bench = new DeviceBench(gpu, scope, LIMIT_MILLIS, CEILING_BYTES, IMAGES);

      assertThat(LossAgreement.of(bench, 3).complaints()).isEmpty();
    }
  }

  @Test
  void whoAgreesWithNobodyIsNamed() {
    Supplier<float[]> right = () -> new float[] {1, -2};
    Supplier<float[]> failing =
        () -> {
          throw new IllegalStateException("no kernel");
        };
    assertThat(LossAgreement.outliers(Map.of("a", right, "b", right, "c", right), 0)).isEmpty();
    for (Supplier<float[]> wrong :
        List.<Supplier<float[]>>of(
            () -> new float[] {1, -2.1f}, () -> new float[] {Float.NaN, -2}, failing)) {
      assertThat(LossAgreement.outliers(Map.of("a", right, "b", wrong, "c", right), 0.01))
          .containsOnlyKeys("b");
    }
    assertThat(LossAgreement.outliers(Map.of("a", right, "b", failing), 0))
        .containsOnlyKeys("a", "b")
        .containsEntry("b", "java.lang.IllegalStateException: no kernel");
  }

  /** A kernel that no file has, one without an argument, one that the device does not take. */
  @Test
  void whatFailsCostsItsOwnRowsOnly() {
    KernelSizes four = KernelSizes.of("n", 4);
    KernelSignature fill = DistillationLossUnfusedKernels.FILL;
    Workload good = named("good", Map.of("value", 1.0), fill, four);
    Workload absent =
        named(
            "absent",
            Map.of("value", 1.0),
            new KernelSignature(
                fill.ptx(), "nowhere", fill.parameters(), List.of(), fill.launchRule()),
            four);
    Workload unbound = named("unbound", Map.of(), fill, four);
    StringWriter csv = new StringWriter();
    try (Gpu gpu = Gpu.open(new EmulatedDevice().withoutKernels().driver());
        DeviceScope scope = new DeviceScope()) {
      DeviceBench bench = new DeviceBench(gpu, scope, LIMIT_MILLIS, CEILING_BYTES, IMAGES);
      int failed =
          DeviceBenchMain.write(
              bench,
              new PrintWriter(csv),
              "today,commit,device,driver",
              List.of(absent, good, unbound, good),
              () -> LossAgreement.of(bench, 3));

      assertThat(failed).isEqualTo(2);
    }
    assertThat(csv.toString().lines().filter(line -> line.contains(",good,"))).hasSize(4);
    assertThat(csv.toString()).doesNotContain("absent", "unbound");
  }

  private static Workload named(
      String operation, Map<String, Double> numbers, KernelSignature kernel, KernelSizes sizes) {
    return new Workload(
        operation,
        operation,
        List.of(new Workload.Step(kernel, sizes, Map.of(), numbers)),
        kernel.floorBytes(sizes));
  }

  /** What is wanted most comes first, and nothing twice. */
  @Test
  void operationsAreTimedInTheOrderOfTheParts() {
    List<Workload> all = KernelMatrix.all();
    List<Workload> chosen =
        DeviceBenchMain.inOrder(all, List.of("Adam|gather", "^(?!.*vocabulary)"));

    assertThat(chosen.getFirst().operation()).isEqualTo("Adam");
    assertThat(chosen)
        .containsExactlyInAnyOrderElementsOf(
            all.stream().filter(one -> !one.operation().contains("vocabulary")).toList());
    assertThat(DeviceBenchMain.inOrder(all, List.of("vocabulary")))
        .hasSize(all.size() - chosen.size());
  }

  @Test
  void streamsMoveWhatTheySay() {
    try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
        DeviceScope scope = new DeviceScope()) {
      DeviceBench bench = new DeviceBench(gpu, scope, LIMIT_MILLIS, CEILING_BYTES, IMAGES);
      Workload copy = Workload.of("ceiling", Ceilings.COPY, Ceilings.sizes(1 << 12));

      assertThat(bench.result(copy, "y")).isEqualTo(bench.result(copy, "x0"));
    }
  }
}
