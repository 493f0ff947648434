package io.github.distillcuda.cuda;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.cuda.CudaDistillationLoss.Batch;
import io.github.distillcuda.cuda.CudaDistillationLoss.RowTerms;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a user can do wrong with the loss, and what reaches the driver. */
class CudaDistillationLossTest {
  private static final int ROWS = 4;
  private static final int CLASSES = 2000;
  private static final int LOGITS = ROWS * CLASSES * Float.BYTES;

  private final EmulatedDevice device = new EmulatedDevice().withoutKernels();
  private final DeviceScope scope = new DeviceScope();
  private CudaContext context;
  private CudaStream stream;
  private CudaDistillationLoss loss;
  private DeviceBuffer z;
  private DeviceBuffer v;
  private DeviceBuffer dz;
  private DeviceBuffer labels;
  private DeviceBuffer terms;

  @BeforeEach
  void prepare() {
    context = scope.own(CudaContext.open(device.driver(), 0));
    stream = scope.own(CudaStream.create(context, "main"));
    loss = scope.own(CudaDistillationLoss.prepare(context, FLOAT32, CLASSES));
    z = allocate("z", LOGITS);
    v = allocate("v", LOGITS);
    dz = allocate("dz", LOGITS);
    labels = allocate("labels", ROWS * Integer.BYTES);
    terms = allocate("terms", ROWS * RowTerms.ROW_BYTES);
  }

  private DeviceBuffer allocate(String name, long byteSize) {
    return scope.own(context.memory().allocate(name, byteSize));
  }

  @AfterEach
  void everythingIsFreed() {
    scope.close();
    assertThat(device.live()).isEmpty();
  }

  private Batch batch() {
    return new Batch(ROWS, z, v, labels);
  }

  private void launch(Batch batch, DeviceRange gradient) {
    loss.launch(batch, 2, 0.5, RowTerms.in(terms, ROWS), gradient, stream);
  }

  private void refused(Batch batch, DeviceRange gradient, String message) {
    long launches = launches();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> launch(batch, gradient))
        .withMessage(message);
    assertThat(launches()).isEqualTo(launches);
  }

  private long launches() {
    return device.functions().stream().filter("cuLaunchKernel"::equals).count();
  }

  @Test
  void steadyStateIsLaunchesAlone() {
    launch(batch(), dz);
    int calls = device.callCount();
    launch(batch(), z);
    loss.launch(batch(), 3, 1, RowTerms.in(terms, ROWS), dz, stream);
    loss.launch(new Batch(3, z, v, labels), 3, 1, RowTerms.in(terms, 3), dz, stream);
    // Rows are counted first, unless no label is asked for.
    assertThat(device.functions().subList(calls, device.callCount()))
        .containsExactly("cuLaunchKernel", "cuLaunchKernel", "cuLaunchKernel", "cuLaunchKernel");
  }

  @Test
  void arraysOfTheWrongSizeAreRefused() {
    refused(
        new Batch(ROWS, new DeviceSpan(z, 0, LOGITS - 4), v, labels),
        dz,
        "studentLogits has 31,996 bytes, but 8,000 elements of FLOAT32 take 32,000");
    refused(
        new Batch(ROWS, z, DeviceRange.foreign(v.address(), 100), labels),
        dz,
        "teacherLogits has 100 bytes, but 8,000 elements of FLOAT32 take 32,000");
    refused(
        new Batch(ROWS + 1, z, v, labels),
        dz,
        "studentLogits has 32,000 bytes, but 10,000 elements of FLOAT32 take 40,000");
    refused(batch(), terms, "gradient has 48 bytes, but 8,000 elements of FLOAT32 take 32,000");
    refused(new Batch(ROWS, null, v, labels), dz, "studentLogits is missing");
    refused(new Batch(ROWS, z, null, labels), dz, "teacherLogits is missing");
    refused(
        new Batch(0, z, v, labels),
        dz,
        "0 rows: at least 1 and at most 134,217,727 are launched at once");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DeviceRange.foreign(0, 100))
        .withMessage("100 bytes at the address 0x0 are not device memory");
  }

  @Test
  void arraysThatAreNotAlignedAreRefused() {
    DeviceBuffer longer = allocate("longer", LOGITS + 4);
    refused(
        new Batch(ROWS, z, new DeviceSpan(longer, 2, LOGITS), labels),
        dz,
        "teacherLogits begins at 0x%x, which is not aligned for FLOAT32"
            .formatted(longer.address() + 2));
    launch(new Batch(ROWS, z, new DeviceSpan(longer, 4, LOGITS), labels), dz);
  }

  /** The gradient may be where the student's logits are, from the first byte on, and no other. */
  @Test
  void arraysThatOverlapAreRefused() {
    DeviceBuffer both = allocate("both", LOGITS + 4);
    DeviceSpan first = new DeviceSpan(both, 0, LOGITS);
    DeviceSpan second = new DeviceSpan(both, 4, LOGITS);
    launch(new Batch(ROWS, first, first, labels), dz);
    launch(new Batch(ROWS, first, v, labels), first);
    String overlap = "gradient at 0x%x overlaps %s at 0x%x";
    refused(
        new Batch(ROWS, first, v, labels),
        second,
        overlap.formatted(second.address(), "studentLogits", first.address()));
    refused(batch(), v, overlap.formatted(v.address(), "teacherLogits", v.address()));
    refused(
        new Batch(ROWS, z, z, labels),
        z,
        overlap.formatted(z.address(), "teacherLogits", z.address()));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> loss.launch(batch(), 2, 0.5, new RowTerms(terms, terms, terms), dz, stream))
        .withMessage(
            "crossEntropy at 0x%x overlaps distillation at 0x%x"
                .formatted(terms.address(), terms.address()));
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    for (double alpha : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> loss.launch(batch(), 2, alpha, RowTerms.in(terms, ROWS), dz, stream))
          .withMessage("alpha " + alpha + " is not in [0, 1]");
    }
    for (double t : new double[] {0, -1, 9e-19, 2e18, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> loss.launch(batch(), t, 0.5, RowTerms.in(terms, ROWS), dz, stream))
          .withMessage("temperature " + t + " is not from 1.0E-18 to 1.0E18");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CudaDistillationLoss.prepare(context, INT32, 10))
        .withMessage("logits are FLOAT32 or BFLOAT16, not INT32");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CudaDistillationLoss.prepare(context, FLOAT32, 0))
        .withMessage("a row has at least 1 class, not 0");
  }

  @Test
  void whatHasNoKernelIsRefused() {
    assertThat(loss.hasForward()).isFalse();
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> loss.launchForward(batch(), 2, 0.5, RowTerms.in(terms, ROWS), stream))
        .withMessage(
            "CudaDistillationLoss of 2,000 classes in FLOAT32: the loss without its gradient is for"
                + " at most 1,024 classes in FLOAT32");
    EmulatedDevice turing = new EmulatedDevice().withComputeCapability(75);
    try (CudaContext old = CudaContext.open(turing.driver(), 0)) {
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> CudaDistillationLoss.prepare(old, BFLOAT16, 10))
          .withMessage(
              "logits in bfloat16 need compute capability 8.0; Emulated GPU has 7.5: use float32")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    }
    assertThat(turing.live()).isEmpty();
    context.makeCurrent();
  }

  @Test
  void whatIsClosedIsNotUsed() {
    dz.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> launch(batch(), dz))
        .withMessage("DeviceBuffer dz is closed");
    loss.close();
    loss.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> launch(batch(), z))
        .withMessage("CudaDistillationLoss of 2,000 classes in FLOAT32 is closed");
    assertThat(launches()).isZero();
  }

  @Test
  void itBelongsToTheThreadAndTheContextThatItWasMadeIn() {
    CompletableFuture<Void> launched = CompletableFuture.runAsync(() -> launch(batch(), dz));
    assertThatExceptionOfType(CompletionException.class)
        .isThrownBy(launched::join)
        .withCauseInstanceOf(IllegalStateException.class)
        .withMessageContaining("CudaContext cuda:0 belongs to thread");
    CompletableFuture<Void> closed = CompletableFuture.runAsync(loss::close);
    assertThatExceptionOfType(CompletionException.class).isThrownBy(closed::join);
    launch(batch(), dz);
    try (CudaContext other = CudaContext.open(device.driver(), 1);
        CudaStream theirs = CudaStream.create(other, "theirs")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> loss.launch(batch(), 2, 0.5, RowTerms.in(terms, ROWS), dz, theirs))
          .withMessage(
              "CudaStream theirs is in another context than CudaDistillationLoss of 2,000 classes"
                  + " in FLOAT32");
    }
    context.makeCurrent();
  }

  /** A part of a GPU, as MIG makes them, may not have the multiprocessors of a large cluster. */
  @Test
  void whereThereIsNoRoomForAClusterRowsAreStreamed() {
    device.withRoomForCluster(8);
    assertThat(kernelOf(128_256)).isEqualTo("distillation_loss_streamed_fused_bf16_v1");
    assertThat(kernelOf(50_257)).isEqualTo("distillation_loss_c65536_fused_bf16_v1");
    device.withRoomForCluster(16);
    assertThat(kernelOf(128_256)).isEqualTo("distillation_loss_c131072_fused_bf16_v1");
    device.failNext("cuOccupancyMaxActiveClusters", CudaConstants.CUDA_ERROR_INVALID_CLUSTER_SIZE);
    assertThat(kernelOf(50_257)).isEqualTo("distillation_loss_c131072_fused_bf16_v1");

    device.withRoomForCluster(7);
    int calls = device.callCount();
    CudaTemperatureSoftmax.prepare(context, FLOAT32, 50_257).close();
    assertThat(device.calls().subList(calls, device.callCount()))
        .anyMatch(call -> call.contains("temperature_softmax_streamed_fused_f32_v1"));
  }

  /** The kernel that a row of so many classes is launched with. */
  private String kernelOf(int classes) {
    DeviceBuffer logits = allocate("logits", 2L * classes);
    DeviceBuffer gradient = allocate("gradient", 2L * classes);
    try (CudaDistillationLoss wide = CudaDistillationLoss.prepare(context, BFLOAT16, classes)) {
      CudaGraph.capture(
              stream,
              "one row",
              () ->
                  wide.launch(
                      new Batch(1, logits, logits, labels),
                      2,
                      1,
                      RowTerms.in(terms, 1),
                      gradient,
                      stream))
          .close();
    }
    return device.recordings().getLast().getLast();
  }

  /** Whichever call of the preparation fails, what was made before is freed. */
  @Test
  void whatAFailedPreparationMadeIsFreed() {
    int before = device.callCount();
    CudaDistillationLoss.prepare(context, BFLOAT16, 128_256).close();
    int calls = device.callCount() - before;
    int live = device.live().size();
    for (int k = 0; k < calls; k++) {
      device.failCall(device.callCount() + k, CudaConstants.CUDA_ERROR_OUT_OF_MEMORY);
      assertThatExceptionOfType(RuntimeException.class)
          .isThrownBy(() -> CudaDistillationLoss.prepare(context, BFLOAT16, 128_256).close());
      assertThat(device.live()).as("after call %d of %d", k, calls).hasSize(live);
    }
  }
}
