package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.ffi.OnednnLibrary;
import io.github.distillcuda.nn.Architecture;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said to be the most rows is what oneDNN takes, and one more it does not. */
class OnednnMostRowsTest {
  private static void assertMostRows(Precision precision, Architecture architecture, int most) {
    List<LayerSpec> layers = architecture.layers();
    BackendOptions options =
        new BackendOptions(1, true, Kernels.FUSED, Layers.CUDNN, precision, Engine.AUTO);
    try (OnednnBackend backend = new OnednnBackend(options)) {
      assertThat(backend.mostRows(layers)).isEqualTo(most);
      backend.createParameters(layers, most, true);
      backend.createParameters(layers, most, false);
      for (boolean trainable : new boolean[] {true, false}) {
        assertThatThrownBy(() -> backend.createParameters(layers, most + 1, trainable))
            .hasMessageContaining("no fast implementation of conv1 pooling");
      }
    }
  }

  @Test
  void inFloat32() {
    assertMostRows(Precision.FP32, new Architecture(64, 128, 256, 10), 8_191);
    assertMostRows(Precision.FP32, new Architecture(16, 32, 64, 10), 32_767);
  }

  /** Channels are filled up to whole vectors. */
  @Test
  void ofChannelsThatFillNoVector() {
    int floats = InstructionSet.vectorFloats(isa());
    assertMostRows(Precision.FP32, new Architecture(17, 5, 8, 10), floats == 16 ? 16_383 : 21_845);
    assertMostRows(Precision.FP32, new Architecture(2, 4, 8, 10), floats == 16 ? 32_767 : 65_535);
  }

  @Test
  void inBfloat16() {
    assumeTrue(InstructionSet.hasBfloat16(isa()), "skipped: this processor has no bfloat16");
    assertMostRows(Precision.BF16, new Architecture(64, 128, 256, 10), 16_383);
    assertMostRows(Precision.BF16, new Architecture(70, 130, 30, 10), 13_107);
  }

  private static int isa() {
    return OnednnLibrary.load().onednn().dnnl_get_effective_cpu_isa();
  }
}
