package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import org.junit.jupiter.api.Test;

/** What people read of the GPUs of a system. */
class CudaSurveyTest {
  private static final String FACTS =
      "%s Emulated GPU (compute capability %s, 132 multiprocessors, 81920 MiB, driver for CUDA"
          + " 13.0)%s";

  @Test
  void aGpuThatIsTooOldIsListedAndSaidToBe() {
    EmulatedDevice volta = new EmulatedDevice().withGpus(2).withComputeCapability(72);
    String tooOld = "; too old, compute capability 7.5 or later is needed";
    assertThat(CudaSurvey.gpus(volta.driver()))
        .containsExactly(
            entry("cuda:0", FACTS.formatted("cuda:0", "7.2", tooOld)),
            entry("cuda:1", FACTS.formatted("cuda:1", "7.2", tooOld)));
    EmulatedDevice turing = new EmulatedDevice().withGpus(1).withComputeCapability(75);
    assertThat(CudaSurvey.gpus(turing.driver()))
        .containsExactly(entry("cuda:0", FACTS.formatted("cuda:0", "7.5", "")));
  }
}
