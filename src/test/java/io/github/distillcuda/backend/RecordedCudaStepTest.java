package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.reference.TinyStep;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.nn.Architecture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The published student's step at batch 64 with a cached teacher, and the page that lists it. */
class RecordedCudaStepTest {
  @ParameterizedTest
  @MethodSource("io.github.distillcuda.backend.EmulatedCudaBackendTest#combinations")
  void theStepIsWhatTheNotesSay(Kernels kernels, Layers layers, TestReporter reporter)
      throws Exception {
    assertStepOfNotes(
        EmulatedCudaBackendTest.options(kernels, layers, Precision.TF32),
        "| %s | %s |".formatted(kernels, layers),
        reporter);
  }

  @ParameterizedTest
  @EnumSource
  void theStepInBfloat16IsWhatTheNotesSay(Layers layers, TestReporter reporter) throws Exception {
    assertStepOfNotes(
        EmulatedCudaBackendTest.options(Kernels.FUSED, layers, Precision.BF16),
        "| fused | %s, bf16 |".formatted(layers),
        reporter);
  }

  private static void assertStepOfNotes(BackendOptions options, String head, TestReporter reporter)
      throws Exception {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    List<String> step;
    try (Backend backend = new CudaBackend(EmulatedEngine.of(device), 0, options)) {
      int batch = 64;
      ResidentDataset data =
          backend.upload(Architecture.IMAGE, new byte[batch * 3072], new byte[batch]);
      StepState state = backend.createState();
      ParameterArena student = backend.createParameters(Architecture.STUDENT.layers(), batch, true);
      LogitsTable cache = backend.createLogitsTable(batch, 10);
      int graphs = device.recordings().size();
      TinyStep.train(backend, batch, data, state, student, new LossSpec(5, 0.7), cache, null);
      step = device.recordings().get(graphs);
    }
    String row = "%s %d | %s |".formatted(head, step.size(), "`" + String.join("` `", step) + "`");
    reporter.publishEntry("step", row);
    assertThat(Files.readString(Path.of("native-notes", "emulated-device.md"))).contains(row);
  }
}
