package io.github.distillcuda.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.gpu.Gpu;
import java.util.Set;
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

      LossAgreement.check(bench, 3);
    }
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
