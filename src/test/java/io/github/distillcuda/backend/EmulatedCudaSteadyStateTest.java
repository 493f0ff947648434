package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.reference.TinyStep;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Once everything is recorded, an epoch is replays of graphs: its tail too, and nothing else. */
class EmulatedCudaSteadyStateTest {
  private static final int BATCH = 4;
  private static final int TAIL = 3;
  private static final int IMAGES = 4 * BATCH + TAIL;
  private static final LossSpec LOSS = new LossSpec(5, 0.7);

  /**
   * All combinations in each precision that has them, with a cached teacher and with one beside.
   */
  static List<Arguments> recorded() {
    List<Arguments> cases = new ArrayList<>();
    for (Precision precision : List.of(Precision.FP32, Precision.TF32, Precision.BF16)) {
      for (Kernels kernels : Kernels.values()) {
        for (Layers layers : Layers.values()) {
          BackendOptions options = EmulatedCudaBackendTest.options(kernels, layers, precision);
          cases.add(Arguments.of(options, true));
          cases.add(Arguments.of(options, false));
        }
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0}, cached: {1}")
  @MethodSource("recorded")
  void anEpochIsReplaysAlone(BackendOptions options, boolean cached) {
    EmulatedDevice device = new EmulatedDevice();
    try (Backend backend = new CudaBackend(EmulatedEngine.of(device), 0, options)) {
      ResidentDataset data = TinyStep.data(backend, IMAGES);
      StepState state = backend.createState();
      ParameterArena teacher = TinyStep.parameters(backend, 3, false, 1);
      ParameterArena student = TinyStep.parameters(backend, 2, true, 2);
      LogitsTable cache = cached ? logits(backend, data, teacher) : null;
      StepProgram full = TinyStep.train(backend, BATCH, data, state, student, LOSS, cache, teacher);
      StepProgram tail = TinyStep.train(backend, TAIL, data, state, student, LOSS, cache, teacher);
      epoch(state, full, tail);
      long bytes = device.allocatedBytes();
      state.beginEpoch(IntStream.range(0, IMAGES).toArray());
      int before = device.callCount();
      full.run(IMAGES / BATCH);
      tail.run(1);
      assertThat(device.functions().subList(before, device.callCount()))
          .contains("cuGraphLaunch")
          .containsOnly("cuCtxSetCurrent", "cuGraphLaunch");
      int calls = device.callCount();
      epoch(state, full, tail);
      List<String> epoch = device.functions().subList(calls, device.callCount());
      assertThat(epoch)
          .as("an epoch with its beginning and its end")
          .noneMatch(call -> call.contains("Alloc") || call.contains("Free"))
          .noneMatch(call -> call.contains("Create") || call.contains("Destroy"))
          .noneMatch(call -> call.startsWith("cudnn") || call.startsWith("cublas"));
      assertThat(device.allocatedBytes()).isEqualTo(bytes);
    }
    assertThat(device.live()).isEmpty();
  }

  private static LogitsTable logits(Backend backend, ResidentDataset data, ParameterArena teacher) {
    LogitsTable table = backend.createLogitsTable(IMAGES, TinyStep.CLASSES);
    StepState state = backend.createState();
    StepProgram each = TinyStep.evaluate(backend, 1, data, state, teacher, table);
    state.beginEpoch(IntStream.range(0, IMAGES).toArray());
    each.run(IMAGES);
    state.read();
    return table;
  }

  private static void epoch(StepState state, StepProgram full, StepProgram tail) {
    state.beginEpoch(IntStream.range(0, IMAGES).toArray());
    full.run(IMAGES / BATCH);
    tail.run(1);
    state.read();
  }
}
