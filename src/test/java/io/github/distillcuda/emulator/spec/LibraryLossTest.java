package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaDistillationLoss;
import io.github.distillcuda.cuda.CudaDistillationLoss.Batch;
import io.github.distillcuda.cuda.CudaDistillationLoss.RowTerms;
import io.github.distillcuda.cuda.CudaGraph;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceRange;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.gpu.Gpu;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The loss as a library's user launches it, on an emulated device, against the float64 oracle. */
class LibraryLossTest {
  private static final float TEMPERATURE = 2;

  /** What a launch left on the device. */
  private record Result(byte[] distillation, byte[] crossEntropy, byte[] outcome, byte[] gradient) {
    void check(LossBatch batch, float alpha, ElementType type) {
      if (type == ElementType.FLOAT32 && batch.classes() <= 1024) {
        LossExpectation expected = new LossExpectation(batch, TEMPERATURE, alpha);
        expected.distillation().check(distillation, "distillation");
        expected.crossEntropy().check(crossEntropy, "crossEntropy");
        expected.gradient().check(gradient, "gradient");
      } else {
        WideLossExpectation expected = new WideLossExpectation(batch, TEMPERATURE, alpha, type);
        expected.distillation().check(distillation, "distillation");
        expected.crossEntropy().check(crossEntropy, "crossEntropy");
        expected.gradient().check(gradient, "gradient");
      }
      assertThat(HostBytes.toInts(outcome))
          .isEqualTo(new LossExpectation(batch, TEMPERATURE, alpha).outcomes());
    }
  }

  private static Result run(
      Gpu gpu,
      CudaDistillationLoss loss,
      LossBatch batch,
      ElementType type,
      float alpha,
      boolean inPlace) {
    int rows = batch.rows();
    try (DeviceScope scope = new DeviceScope()) {
      DeviceBuffer z = upload(gpu, scope, "z", DistillationLossWideCases.bytes(type, batch.z()));
      DeviceBuffer v = upload(gpu, scope, "v", DistillationLossWideCases.bytes(type, batch.v()));
      DeviceBuffer labels = upload(gpu, scope, "labels", HostBytes.of(batch.labels()));
      DeviceBuffer dz =
          inPlace ? z : scope.own(gpu.context().memory().allocate("dz", loss.logitsBytes(rows)));
      DeviceBuffer terms =
          scope.own(gpu.context().memory().allocate("terms", rows * RowTerms.ROW_BYTES));
      loss.launch(
          new Batch(rows, z, alpha > 0 ? v : null, labels),
          TEMPERATURE,
          alpha,
          RowTerms.in(terms, rows),
          dz,
          gpu.stream());
      byte[] ofRows = gpu.download(terms);
      return new Result(
          Arrays.copyOfRange(ofRows, 0, 4 * rows),
          Arrays.copyOfRange(ofRows, 4 * rows, 8 * rows),
          Arrays.copyOfRange(ofRows, 8 * rows, 12 * rows),
          gpu.download(dz));
    }
  }

  private static DeviceBuffer upload(Gpu gpu, DeviceScope scope, String name, byte[] bytes) {
    DeviceBuffer buffer = scope.own(gpu.context().memory().allocate(name, bytes.length));
    gpu.upload(bytes, buffer);
    return buffer;
  }

  /** Once prepared, launched with several numbers of rows, some of them without a label. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 1, 90", "FLOAT32, 10, 90", "FLOAT32, 1000, 75", "FLOAT32, 1025, 75",
    "FLOAT32, 4099, 90", "FLOAT32, 16384, 75", "FLOAT32, 20000, 120", "BFLOAT16, 1, 90",
    "BFLOAT16, 10, 90", "BFLOAT16, 1000, 80", "BFLOAT16, 4099, 89", "BFLOAT16, 20000, 90"
  })
  void isTheOraclesInPlaceOrNot(ElementType type, int classes, int computeCapability) {
    EmulatedDevice device = new EmulatedDevice().withComputeCapability(computeCapability);
    try (Gpu gpu = Gpu.open(device.driver());
        CudaDistillationLoss loss = CudaDistillationLoss.prepare(gpu.context(), type, classes)) {
      LossBatch batch =
          DistillationLossWideCases.inType(type, LossBatch.badlyLabelled(4, classes, classes));
      Result apart = run(gpu, loss, batch, type, 0.7f, false);
      apart.check(batch, 0.7f, type);
      Result inPlace = run(gpu, loss, batch, type, 0.7f, true);
      assertThat(inPlace.gradient).as("in place").isEqualTo(apart.gradient);
      assertThat(inPlace.distillation).isEqualTo(apart.distillation);
      assertThat(inPlace.crossEntropy).isEqualTo(apart.crossEntropy);
      for (float alpha : new float[] {0, 1}) {
        LossBatch one = DistillationLossWideCases.random(type, 1, classes, classes);
        run(gpu, loss, one, type, alpha, true).check(one, alpha, type);
      }
    }
    assertThat(device.live()).isEmpty();
  }

  /** More labels than a block counts, at each launch anew. */
  @Test
  void manyRows() {
    try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
        CudaDistillationLoss loss =
            CudaDistillationLoss.prepare(gpu.context(), ElementType.FLOAT32, 3)) {
      for (int rows : new int[] {4100, 2049, 4100}) {
        LossBatch batch = LossBatch.badlyLabelled(rows, 3, rows);
        run(gpu, loss, batch, ElementType.FLOAT32, 0.7f, false)
            .check(batch, 0.7f, ElementType.FLOAT32);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "BFLOAT16"})
  void aVocabularyInPlace(ElementType type) {
    LossBatch batch = DistillationLossWideCases.random(type, 2, 128_256, 1);
    try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
        CudaDistillationLoss loss = CudaDistillationLoss.prepare(gpu.context(), type, 128_256)) {
      run(gpu, loss, batch, type, 0.5f, true).check(batch, 0.5f, type);
    }
  }

  /** Addresses as another library would hand them over, aligned to an element and no more. */
  @ParameterizedTest
  @CsvSource({"FLOAT32, 10", "FLOAT32, 4099", "BFLOAT16, 10", "BFLOAT16, 4099"})
  void foreignMemoryAtAnyElementInABorrowedContextAndStream(ElementType type, int classes) {
    EmulatedDevice device = new EmulatedDevice();
    LossBatch batch = DistillationLossWideCases.random(type, 3, classes, 1);
    int shift = type.bytes();
    try (Gpu owner = Gpu.open(device.driver());
        DeviceScope scope = new DeviceScope()) {
      DeviceBuffer z =
          shifted(owner, scope, "z", shift, DistillationLossWideCases.bytes(type, batch.z()));
      DeviceBuffer v =
          shifted(owner, scope, "v", 3 * shift, DistillationLossWideCases.bytes(type, batch.v()));
      DeviceBuffer labels = upload(owner, scope, "labels", HostBytes.of(batch.labels()));
      DeviceBuffer terms = upload(owner, scope, "terms", new byte[3 * RowTerms.ROW_BYTES]);
      try (CudaContext context = CudaContext.borrow(device.driver(), 0, owner.context().address());
          CudaStream stream = CudaStream.borrow(context, "theirs", owner.stream().address());
          CudaDistillationLoss loss = CudaDistillationLoss.prepare(context, type, classes)) {
        DeviceRange logits = DeviceRange.foreign(z.address() + shift, loss.logitsBytes(3));
        DeviceRange teacher = DeviceRange.foreign(v.address() + 3 * shift, loss.logitsBytes(3));
        loss.launch(
            new Batch(3, logits, teacher, labels),
            TEMPERATURE,
            0.7,
            RowTerms.in(terms, 3),
            logits,
            stream);
      }
      assertThat(owner.context().driver()).as("the owner's context is current still").isNotNull();
      byte[] ofRows = owner.download(terms);
      byte[] gradient = owner.download(z);
      new Result(
              Arrays.copyOfRange(ofRows, 0, 12),
              Arrays.copyOfRange(ofRows, 12, 24),
              Arrays.copyOfRange(ofRows, 24, 36),
              Arrays.copyOfRange(gradient, shift, gradient.length))
          .check(batch, 0.7f, type);
    }
    assertThat(device.live()).isEmpty();
  }

  /** Uploads an array that begins so many bytes behind the start of its buffer. */
  private static DeviceBuffer shifted(
      Gpu gpu, DeviceScope scope, String name, int shift, byte[] bytes) {
    byte[] all = new byte[shift + bytes.length];
    System.arraycopy(bytes, 0, all, shift, bytes.length);
    return upload(gpu, scope, name, all);
  }

  @Test
  void theLossAloneHasTheSameTerms() {
    for (int classes : new int[] {1, 10, 100, 256, 1000}) {
      LossBatch batch = LossBatch.badlyLabelled(6, classes, 1);
      try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
          DeviceScope scope = new DeviceScope();
          CudaDistillationLoss loss =
              CudaDistillationLoss.prepare(gpu.context(), ElementType.FLOAT32, classes)) {
        assertThat(loss.hasForward()).isTrue();
        DeviceBuffer z = upload(gpu, scope, "z", HostBytes.of(batch.z()));
        DeviceBuffer v = upload(gpu, scope, "v", HostBytes.of(batch.v()));
        DeviceBuffer labels = upload(gpu, scope, "labels", HostBytes.of(batch.labels()));
        DeviceBuffer terms =
            scope.own(gpu.context().memory().allocate("terms", 6 * RowTerms.ROW_BYTES));
        loss.launchForward(
            new Batch(6, z, v, labels), TEMPERATURE, 0.7, RowTerms.in(terms, 6), gpu.stream());
        LossExpectation expected = new LossExpectation(batch, TEMPERATURE, 0.7f);
        byte[] ofRows = gpu.download(terms);
        expected.distillation().check(Arrays.copyOfRange(ofRows, 0, 24), "distillation");
        expected.crossEntropy().check(Arrays.copyOfRange(ofRows, 24, 48), "crossEntropy");
        assertThat(HostBytes.toInts(Arrays.copyOfRange(ofRows, 48, 72)))
            .isEqualTo(expected.outcomes());
        assertThat(gpu.download(z)).as("z").isEqualTo(HostBytes.of(batch.z()));
      }
    }
  }

  /** In a graph, replayed on what the arrays hold by then. */
  @Test
  void aLaunchMayBeCaptured() {
    LossBatch first = LossBatch.random(4, 1000, 1);
    LossBatch second = LossBatch.random(4, 1000, 2);
    EmulatedDevice device = new EmulatedDevice();
    try (Gpu gpu = Gpu.open(device.driver());
        DeviceScope scope = new DeviceScope();
        CudaDistillationLoss loss =
            CudaDistillationLoss.prepare(gpu.context(), ElementType.FLOAT32, 1000)) {
      DeviceBuffer z = upload(gpu, scope, "z", HostBytes.of(first.z()));
      DeviceBuffer v = upload(gpu, scope, "v", HostBytes.of(first.v()));
      DeviceBuffer labels = upload(gpu, scope, "labels", HostBytes.of(first.labels()));
      DeviceBuffer dz = scope.own(gpu.context().memory().allocate("dz", loss.logitsBytes(4)));
      DeviceBuffer terms =
          scope.own(gpu.context().memory().allocate("terms", 4 * RowTerms.ROW_BYTES));
      CudaGraph graph =
          scope.own(
              CudaGraph.capture(
                  gpu.stream(),
                  "loss",
                  () ->
                      loss.launch(
                          new Batch(4, z, v, labels),
                          TEMPERATURE,
                          0.7,
                          RowTerms.in(terms, 4),
                          dz,
                          gpu.stream())));
      assertThat(device.recordings().getLast())
          .containsExactly("count_labelled_fused_s32_v2", "distillation_loss_c1024_fused_f32_v3");
      gpu.upload(HostBytes.of(second.z()), z);
      gpu.upload(HostBytes.of(second.v()), v);
      gpu.upload(HostBytes.of(second.labels()), labels);
      graph.launch(gpu.stream());
      new LossExpectation(second, TEMPERATURE, 0.7f).gradient().check(gpu.download(dz), "gradient");
    }
  }
}
