package io.github.distillcuda.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The memory of a step is known before it is asked for. */
class StepMemoryTest {
  private static final int BATCH = 512;

  private static Backend open(EmulatedDevice device, Layers layers, Precision precision) {
    return new CudaBackend(
        EmulatedEngine.of(device),
        0,
        new BackendOptions(0, true, Kernels.FUSED, layers, precision, Engine.AUTO));
  }

  /** Allocates what a step does, and runs nothing. */
  static void recordTraining(Backend backend, ParameterArena parameters, int batch) {
    StepRecorder step = backend.record(batch);
    Tensor input = backend.createTensor("images", Architecture.IMAGE.withBatch(batch));
    List<LayerPass> passes = new ArrayList<>();
    for (LayerSpec layer : parameters.layers()) {
      LayerPass pass = step.forward(layer, parameters, input, true);
      passes.add(pass);
      input = pass.output();
    }
    Tensor gradient = backend.createTensor("gradient", input.shape());
    for (int i = passes.size() - 1; i >= 0; i--) {
      gradient = step.backward(passes.get(i), gradient, i > 0);
    }
  }

  /** Whoever computes what is between the products, in each arithmetic. */
  static Stream<Arguments> everyKindOfStep() {
    return Stream.of(Layers.values())
        .flatMap(
            layers ->
                Stream.of(Precision.FP32, Precision.TF32, Precision.BF16)
                    .map(precision -> Arguments.of(layers, precision)));
  }

  @ParameterizedTest
  @MethodSource("everyKindOfStep")
  void theEstimateIsWhatAStepAllocates(Layers layers, Precision precision) {
    List<LayerSpec> network = Architecture.STUDENT.layers();
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, layers, precision)) {
      ParameterArena parameters = backend.createParameters(network, BATCH, true);
      backend.requireRoom(
          List.of(new PlannedModel("student", network, true, List.of(BATCH), List.of())),
          BATCH,
          line -> {});
      // Handles come with the first step, whatever its size.
      recordTraining(backend, parameters, 1);
      long before = device.allocatedBytes();
      recordTraining(backend, parameters, BATCH);
      double allocated = device.allocatedBytes() - before;
      double estimate =
          new StepMemory(network, layers, true, MathMode.valueOf(precision.name())).bytes(BATCH);
      // Images come in float32 here, and are rounded where operands are of another type.
      double images = precision == Precision.BF16 ? (double) BATCH * RunMemoryTest.IMAGE_BYTES : 0;
      // Partial sums of biases, and what every step has, are left. Of workspaces there is none.
      assertThat((estimate + images) / allocated).isBetween(0.98, 1.0);
    }
    assertThat(device.live()).isEmpty();
  }
}
