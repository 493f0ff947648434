package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The benchmark works the first time a GPU is there, and measures launches and one wait. */
class CudaDistillationLossBenchmarkTest {
  @Test
  void anInvocationIsItsLaunchesAndOneWait() {
    EmulatedDevice device = new EmulatedDevice();
    CudaDistillationLossBenchmark benchmark = new CudaDistillationLossBenchmark();
    benchmark.classes = 10;
    benchmark.prepare(device.driver());
    benchmark.lossAndGradient();
    int calls = device.callCount();

    benchmark.lossAndGradient();

    List<String> measured = device.functions().subList(calls, device.callCount());
    // The labels of a batch are counted before its loss.
    assertThat(measured).hasSize(2 * CudaDistillationLossBenchmark.LAUNCHES + 1);
    assertThat(measured.subList(0, measured.size() - 1)).containsOnly("cuLaunchKernel");
    assertThat(measured).last().isEqualTo("cuStreamSynchronize");
    benchmark.close();
    assertThat(device.live()).isEmpty();
  }
}
