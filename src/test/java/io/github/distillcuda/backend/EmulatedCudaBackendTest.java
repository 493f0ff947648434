package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.reference.TinyStep;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedCublasLt;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the CUDA backend asks of its device, beyond what it computes. */
class EmulatedCudaBackendTest {
  private static final int IMAGES = 32;
  private static final int BATCH = 4;
  private static final LossSpec LOSS = new LossSpec(5, 0.7);

  static BackendOptions options(Kernels kernels, Layers layers, Precision precision) {
    return new BackendOptions(0, true, kernels, layers, precision, Engine.AUTO);
  }

  static Stream<Arguments> combinations() {
    return Stream.of(Kernels.values())
        .flatMap(
            kernels -> Stream.of(Layers.values()).map(layers -> Arguments.of(kernels, layers)));
  }

  /** A student and a teacher on one device; an epoch is eight steps. */
  private static final class Training implements AutoCloseable {
    private final Backend backend;
    private final StepState state;
    private final ParameterArena student;
    private final StepProgram program;

    Training(Backend backend) {
      this.backend = backend;
      ResidentDataset data = TinyStep.data(backend, IMAGES);
      state = backend.createState();
      ParameterArena teacher = TinyStep.parameters(backend, 3, false, 1);
      student = TinyStep.parameters(backend, 2, true, 2);
      program = TinyStep.train(backend, BATCH, data, state, student, LOSS, null, teacher);
    }

    StepProgress epoch() {
      state.beginEpoch(IntStream.range(0, IMAGES).toArray());
      program.run(IMAGES / BATCH);
      return state.read();
    }

    double[] parameters() {
      return student.values().stream()
          .flatMapToDouble(t -> Stream.of(Numbers.of(t)).flatMapToDouble(Arrays::stream))
          .toArray();
    }

    @Override
    public void close() {
      backend.close();
    }
  }

  /** Epilogues that a GPU lacks for a type are done by other calls, to the same effect. */
  @Test
  void whatCublasLtDoesNotOfferIsDoneOtherwise() {
    List<double[]> results = new ArrayList<>();
    int[] epilogues = {
      CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS,
      CublasConstants.CUBLASLT_EPILOGUE_BIAS,
      CublasConstants.CUBLASLT_EPILOGUE_BGRADB,
      CublasConstants.CUBLASLT_EPILOGUE_DEFAULT
    };
    for (int refused = -1; refused <= epilogues.length; refused++) {
      EmulatedDevice device = new EmulatedDevice();
      CublasLtApi cublasLt = null;
      if (refused < epilogues.length) {
        cublasLt =
            refused < 0
                ? EmulatedCublasLt.on(device)
                : EmulatedCublasLt.on(device, epilogues[refused]);
      }
      try (Training training =
          new Training(
              new CudaBackend(
                  EmulatedEngine.of(device, cublasLt),
                  0,
                  options(Kernels.FUSED, Layers.FUSED, Precision.FP32)))) {
        training.epoch();
        results.add(training.parameters());
      }
      assertThat(device.live()).isEmpty();
    }
    for (double[] result : results) {
      // Eight steps of float32 from the same start; products are summed in float64 here.
      Numbers.assertWithin(i -> 1e-5, result, results.getFirst(), "parameters");
    }
  }

  /** TF32 keeps 10 bits: it must show, or the option would do nothing, and not much. */
  @ParameterizedTest
  @MethodSource("combinations")
  void precisionReachesTheLibraries(Kernels kernels, Layers layers) {
    List<double[]> results = new ArrayList<>();
    for (Precision precision : new Precision[] {Precision.FP32, Precision.TF32, Precision.AUTO}) {
      EmulatedDevice device = new EmulatedDevice();
      try (Training training =
          new Training(
              new CudaBackend(EmulatedEngine.of(device), 0, options(kernels, layers, precision)))) {
        training.state.beginEpoch(IntStream.range(0, IMAGES).toArray());
        training.program.run(1);
        results.add(gradients(training));
      }
    }
    double largest = Numbers.largest(results.getFirst());
    Numbers.assertWithin(i -> 1e-2 * largest, results.get(1), results.getFirst(), "tf32");
    assertThat(results.get(1)).isNotEqualTo(results.getFirst());
    assertThat(results.get(2)).as("the default on this device").isEqualTo(results.get(1));
  }

  /** Bfloat16 keeps 7 bits of fraction, of both factors, through four layers and back. */
  @ParameterizedTest
  @EnumSource
  void bfloat16IsNearFloat32(Layers layers) {
    Map<Precision, double[]> results = new EnumMap<>(Precision.class);
    for (Precision precision : new Precision[] {Precision.FP32, Precision.BF16}) {
      EmulatedDevice device = new EmulatedDevice();
      try (Training training =
          new Training(
              new CudaBackend(
                  EmulatedEngine.of(device), 0, options(Kernels.FUSED, layers, precision)))) {
        assertThat(training.backend.info().precision()).isEqualTo(precision.toString());
        training.state.beginEpoch(IntStream.range(0, IMAGES).toArray());
        training.program.run(1);
        results.put(precision, gradients(training));
      }
      assertThat(device.live()).isEmpty();
    }
    double[] exact = results.get(Precision.FP32);
    assertThat(Numbers.relativeDistance(results.get(Precision.BF16), exact))
        .isLessThan(ContractTolerances.CUDA_BF16.networkGradient());
    assertThat(results.get(Precision.BF16)).isNotEqualTo(exact);
  }

  /** What a GPU cannot multiply is the user's to change: a usage error, which names the GPU. */
  @ParameterizedTest
  @EnumSource(names = {"TF32", "BF16"})
  void whatTheGpuDoesNotMultiplyIsRefused(Precision precision) {
    EmulatedDevice device = new EmulatedDevice().withComputeCapability(75);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(
            () ->
                new CudaBackend(
                    EmulatedEngine.of(device), 0, options(Kernels.FUSED, Layers.CUDNN, precision)))
        .withMessage(
            "--precision %s needs compute capability 8.0, Emulated GPU has 7.5; use --precision"
                    .formatted(precision)
                + " fp32")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE));
    assertThat(device.live()).isEmpty();
  }

  /** Wherever memory is allocated or a kernel is loaded: by a layer, a plan or a lane. */
  @Test
  void whatFailsSaysWhichOptionHelps() {
    BackendOptions options = options(Kernels.FUSED, Layers.CUDNN, Precision.FP32);
    EmulatedDevice small = new EmulatedDevice();
    try (Backend backend = new CudaBackend(EmulatedEngine.of(small), 0, options)) {
      small.withFreeBytes(ComputeLane.WORKSPACE_BYTES - 1);
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> new Training(backend))
          .withMessageMatching(
              "GPU memory: .*workspace of \\S+ needs .*; use a smaller --batch-size")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY));
    }
    EmulatedDevice refusing = new EmulatedDevice();
    for (int target : new int[] {90, 80, 75}) {
      refusing.refusing(target, CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
    }
    try (Backend backend = new CudaBackend(EmulatedEngine.of(refusing), 0, options)) {
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> new Training(backend))
          .withMessageStartingWith("the kernels of ")
          .withMessageEndingWith("; use a newer driver or GPU; or use --device cpu")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    }
  }

  private static Training measuring(
      EmulatedDevice device, Map<String, String> earlier, List<String> notes) {
    Backend backend =
        new CudaBackend(
            EmulatedEngine.of(device),
            0,
            new BackendOptions(0, false, Kernels.FUSED, Layers.CUDNN, Precision.BF16, Engine.AUTO));
    backend.reuseAlgorithms(earlier, notes::add);
    return new Training(backend);
  }

  /** What an earlier run measured is used again, though measuring would find another faster. */
  @Test
  void theAlgorithmsOfAnEarlierRunAreUsedAgain() {
    Map<String, String> algorithms;
    try (Training first = measuring(new EmulatedDevice(), Map.of(), List.of())) {
      algorithms = first.backend.algorithms();
    }
    assertThat(algorithms)
        .containsEntry(
            "conv1 2 -> 2, filter gradient, batch 4", "cuDNN algorithm 0, math type 1, measured")
        .containsEntry(
            "conv2 3 -> 4, convolution, batch 4", "cuDNN algorithm 0, math type 1, measured");
    Map<String, String> earlier = new TreeMap<>(algorithms);
    earlier.replaceAll(
        (what, algorithm) ->
            what.contains("filter") ? algorithm.replace("algorithm 0", "algorithm 1") : algorithm);
    EmulatedDevice device = new EmulatedDevice();
    List<String> notes = new ArrayList<>();
    try (Training second = measuring(device, earlier, notes)) {
      assertThat(second.backend.algorithms()).isEqualTo(earlier);
    }
    assertThat(notes).isEmpty();
    assertThat(device.functions()).noneMatch(function -> function.startsWith("cudnnFind"));
    assertThat(device.calls())
        .filteredOn(call -> call.startsWith("cudnnConvolutionBackwardFilter("))
        .isNotEmpty()
        .allMatch(
            call -> call.split(", ")[7].equals("1"), "the eighth argument, the algorithm, is 1");
  }

  /** What cuDNN lacks, what rounds more than was asked for, and what nobody can read. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cuDNN algorithm 5, math type 1, measured",
        "cuDNN algorithm 1, math type 2, measured",
        "cuDNN algorithm 1"
      })
  void anAlgorithmThatIsRefusedIsMeasuredAgain(String refused) {
    String what = "conv1 2 -> 2, filter gradient, batch 4";
    EmulatedDevice device = new EmulatedDevice();
    List<String> notes = new ArrayList<>();
    try (Training training = measuring(device, Map.of(what, refused), notes)) {
      assertThat(training.backend.algorithms())
          .containsEntry(what, "cuDNN algorithm 0, math type 1, measured");
    }
    assertThat(notes)
        .containsExactly(
            what
                + ": cuDNN algorithm 0, math type 1, measured in place of "
                + refused
                + ", which the run began with; its bits may differ from an uninterrupted run's");
  }

  private static double[] gradients(Training training) {
    return training.student.gradients().stream()
        .map(Numbers::of)
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  @Test
  void anotherThreadIsRefusedByName() throws InterruptedException {
    EmulatedDevice device = new EmulatedDevice();
    try (Training training =
        new Training(
            new CudaBackend(
                EmulatedEngine.of(device),
                0,
                options(Kernels.FUSED, Layers.CUDNN, Precision.FP32)))) {
      int calls = device.callCount();
      Tensor weights = training.student.values().getFirst();
      List<Runnable> uses =
          List.of(
              () -> training.program.run(1),
              training.state::read,
              () -> weights.read(new float[weights.shape().elements()]),
              () -> training.backend.record(1),
              training.backend::close);
      for (Runnable use : uses) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = new Thread(() -> failure.set(failureOf(use)), "worker");
        thread.start();
        thread.join();
        assertThat(failure.get())
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("belongs to thread")
            .hasMessageContaining("worker");
      }
      assertThat(device.callCount()).isEqualTo(calls);
      training.epoch();
      training.backend.close();
      training.backend.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> training.program.run(1))
          .withMessageContaining("is closed");
    }
    assertThat(device.live()).isEmpty();
  }

  private static Throwable failureOf(Runnable use) {
    try {
      use.run();
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }
}
