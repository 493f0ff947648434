package io.github.distillcuda.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.emulator.library.Intercepted;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.NativeException;
import io.github.distillcuda.nn.Architecture;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a run needs is said before its first model is created, and what is advised then fits. */
class RunMemoryTest {
  private static final long FREE = 600L << 20;
  static final long IMAGE_BYTES = (long) Architecture.IMAGE.elements() * Float.BYTES;

  private static Backend open(EmulatedDevice device, Layers layers, Precision precision) {
    return open(device, layers, precision, true);
  }

  private static Backend open(
      EmulatedDevice device, Layers layers, Precision precision, boolean deterministic) {
    return new CudaBackend(
        EmulatedEngine.of(device),
        0,
        new BackendOptions(0, deterministic, Kernels.FUSED, layers, precision, Engine.AUTO));
  }

  /** What the models need by the refusal of a GPU that is full; then it has so much, and more. */
  private static void makeRoom(EmulatedDevice device, Backend backend, int batch, long more) {
    device.withFreeBytes(0);
    String refusal =
        catchThrowable(() -> backend.requireRoom(models(batch), batch, line -> {})).getMessage();
    Matcher needs = Pattern.compile("needs (\\d+) MiB more").matcher(refusal);
    assertThat(needs.find()).as(refusal).isTrue();
    double small = 1.01; // what is small beside tensors
    device.withFreeBytes((long) (small * (Long.parseLong(needs.group(1)) << 20)) + more);
  }

  /** A full step and the longest tail an epoch can have, for each of the models. */
  private static List<PlannedModel> models(int batch) {
    List<Integer> steps = List.of(batch, batch - 1);
    return List.of(
        new PlannedModel(
            "teacher in training", Architecture.TEACHER.layers(), true, steps, List.of()),
        new PlannedModel(
            "student in training", Architecture.STUDENT.layers(), true, steps, List.of()));
  }

  @ParameterizedTest
  @MethodSource("io.github.distillcuda.backend.cuda.StepMemoryTest#everyKindOfStep")
  void whatIsMissingIsSaidBeforeAnythingIsAllocatedAndTheSuggestedBatchFits(
      Layers layers, Precision precision) {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, layers, precision)) {
      device.withFreeBytes(FREE);
      long before = device.allocatedBytes();
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.requireRoom(models(50_000), 50_000, line -> {}))
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY))
          .withMessageContaining("GPU memory: this run needs ")
          .withMessageContaining(" MiB more (teacher in training ")
          .withMessageContaining(", student in training ")
          .withMessageContaining(", workspaces ")
          .withMessageContaining("600 MiB of ")
          .withMessageContaining("the largest buffers are")
          .satisfies(
              e -> {
                assertThat(device.allocatedBytes()).isEqualTo(before);
                Matcher fits = Pattern.compile("--batch-size (\\d+) fits").matcher(e.getMessage());
                assertThat(fits.find()).as(e.getMessage()).isTrue();
                int batch = Integer.parseInt(fits.group(1));
                assertThatNoException()
                    .isThrownBy(() -> backend.requireRoom(models(batch), batch, line -> {}));
                record(backend, batch);
              });
    }
    assertThat(device.live()).isEmpty();
  }

  private static long rows(int batch) {
    return models(batch).stream()
        .flatMap(model -> model.batchedSteps().stream())
        .mapToLong(Integer::longValue)
        .sum();
  }

  private static void record(Backend backend, int batch) {
    for (PlannedModel model : models(batch)) {
      ParameterArena parameters = backend.createParameters(model.layers(), batch, true);
      StepMemoryTest.recordTraining(backend, parameters, batch);
      StepMemoryTest.recordTraining(backend, parameters, batch - 1);
    }
  }

  /** A GPU that has what is said to be needed is enough, but for what is small beside tensors. */
  @ParameterizedTest
  @MethodSource("io.github.distillcuda.backend.cuda.StepMemoryTest#everyKindOfStep")
  void whatIsNeededIsEnough(Layers layers, Precision precision) {
    int batch = 300;
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, layers, precision)) {
      // A run gathers its images as operands; here they come in float32 and are rounded.
      long rounded = precision == Precision.BF16 ? rows(batch) * IMAGE_BYTES : 0;
      makeRoom(device, backend, batch, rounded);
      backend.requireRoom(models(batch), batch, line -> {});
      record(backend, batch);
    }
    assertThat(device.live()).isEmpty();
  }

  /** Measuring must not take what a later model will want, though it is free still. */
  @ParameterizedTest
  @CsvSource({"0, by rule", "512, measured"})
  void algorithmsAreMeasuredWhereTheRunLeavesRoom(int moreMebibytes, String how) {
    int batch = 300;
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, Layers.CUDNN, Precision.TF32, false)) {
      makeRoom(device, backend, batch, (long) moreMebibytes << 20);
      List<String> notes = new ArrayList<>();
      backend.requireRoom(models(batch), batch, notes::add);
      record(backend, batch);
      assertThat(notes).hasSize(how.equals("by rule") ? 1 : 0);
      assertThat(backend.algorithms().values()).allSatisfy(one -> assertThat(one).endsWith(how));
    }
    assertThat(device.live()).isEmpty();
  }

  /** Handles and modules of libraries take memory that is known only when they are there. */
  @Test
  void whatTheLibrariesTakeIsSeenBeforeTraining() {
    int batch = 300;
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    CudaEngine engine = EmulatedEngine.of(device);
    AtomicBoolean takes = new AtomicBoolean(true);
    CublasApi takesMost =
        Intercepted.before(
            CublasApi.class,
            engine.cublas(),
            "cublasCreate_v2",
            () -> {
              if (takes.getAndSet(false)) {
                device.withFreeBytes(FREE / 2);
              }
            });
    try (Backend backend = new CudaBackend(with(engine, takesMost), 0, BackendOptions.DEFAULT)) {
      makeRoom(device, backend, batch, 0);
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.requireRoom(models(batch), batch, line -> {}))
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY))
          .withMessageMatching(".*MiB of .* are free; .*; --batch-size \\d+ fits");
      assertThat(takes).isFalse();
    }
    assertThat(device.live()).isEmpty();
  }

  /** A library without room says that it is not initialised; a smaller batch is no help. */
  @Test
  void whatALibraryLacksIsNoMatterOfTheBatch() {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    CudaEngine engine = EmulatedEngine.of(device);
    CublasApi uninitialised =
        Intercepted.before(
            CublasApi.class,
            engine.cublas(),
            "cublasCreate_v2",
            () -> {
              throw new NativeException(
                  "cublasCreate_v2()", "CUBLAS_STATUS_NOT_INITIALIZED", 1, "says the test");
            });
    try (Backend backend =
        new CudaBackend(with(engine, uninitialised), 0, BackendOptions.DEFAULT)) {
      makeRoom(device, backend, 2, 0);
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.requireRoom(models(2), 2, line -> {}))
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY))
          .withMessageStartingWith("GPU memory: cuBLAS of main needs perhaps 256 MiB")
          .withMessageEndingWith("; free some of it, or use another GPU or --device cpu");
    }
    assertThat(device.live()).isEmpty();
  }

  /** A workspace that grows leaves the smaller one behind. */
  @Test
  void whatIsNeededOnceMoreIsEnoughToo() {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, Layers.CUDNN, Precision.TF32)) {
      backend.requireRoom(models(200), 200, line -> {});
      makeRoom(device, backend, 600, 0);
      backend.requireRoom(models(600), 600, line -> {});
      record(backend, 600);
    }
    assertThat(device.live()).isEmpty();
  }

  private static CudaEngine with(CudaEngine engine, CublasApi cublas) {
    return new CudaEngine(
        engine.name(), engine.driver(), engine.cudnn(), cublas, engine.cublasLt());
  }

  /** Each of the two would fit alone: the student's want is said before the teacher is trained. */
  @Test
  void modelsAreAddedUp() {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, Layers.CUDNN, Precision.FP32)) {
      device.withFreeBytes(FREE);
      int batch = 200;
      List<PlannedModel> both = models(batch);
      for (PlannedModel model : both) {
        assertThatNoException()
            .isThrownBy(() -> backend.requireRoom(List.of(model), batch, line -> {}));
      }
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.requireRoom(both, batch, line -> {}))
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY));
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.requireRoom(both, Backend.FIXED_BATCH, line -> {}))
          .withMessageEndingWith("; free some of it");
    }
  }

  @Test
  void whereNothingFitsNothingIsSuggested() {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, Layers.CUDNN, Precision.FP32)) {
      device.withFreeBytes(1 << 20);
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.requireRoom(models(64), 64, line -> {}))
          .withMessageContaining("not even steps of one image fit");
    }
  }
}
