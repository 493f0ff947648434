package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.cuda.CudaTemperatureSoftmax;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.gpu.Gpu;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The softmaxes as a library's user launches them, on an emulated device. */
class LibrarySoftmaxTest {
  private static final int ROWS = 3;

  /** All four operations, each in the place of each of its inputs too. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 10, 75", "FLOAT32, 1000, 90", "FLOAT32, 1025, 75", "FLOAT32, 4099, 90",
    "FLOAT32, 20000, 75", "FLOAT32, 20000, 90", "BFLOAT16, 10, 80", "BFLOAT16, 4099, 90",
    "BFLOAT16, 20000, 120"
  })
  void areTheOraclesInPlaceOrNot(ElementType type, int classes, int computeCapability) {
    EmulatedDevice device = new EmulatedDevice().withComputeCapability(computeCapability);
    try (Gpu gpu = Gpu.open(device.driver());
        CudaTemperatureSoftmax softmax =
            CudaTemperatureSoftmax.prepare(gpu.context(), type, classes)) {
      for (Operation operation : Operation.values()) {
        check(gpu, softmax, operation, type, classes, null);
        for (String input : operation.pointers().subList(0, operation.pointers().size() - 1)) {
          check(gpu, softmax, operation, type, classes, input);
        }
      }
    }
    assertThat(device.live()).isEmpty();
  }

  /**
   * Runs one operation.
   *
   * @param over the input that the output takes the place of, or null
   */
  private static void check(
      Gpu gpu,
      CudaTemperatureSoftmax softmax,
      Operation operation,
      ElementType type,
      int classes,
      String over) {
    KernelSignature any = TemperatureSoftmaxKernels.of(operation, type).getLast();
    LossBatch batch = DistillationLossWideCases.random(type, ROWS, classes, classes);
    KernelCase expected = TemperatureSoftmaxCases.of(operation, any, batch, 2);
    try (DeviceScope scope = new DeviceScope()) {
      DeviceBuffer[] matrices = new DeviceBuffer[operation.pointers().size()];
      for (int i = 0; i < matrices.length; i++) {
        byte[] content = expected.input(operation.pointers().get(i));
        matrices[i] =
            scope.own(gpu.context().memory().allocate("matrix " + i, softmax.logitsBytes(ROWS)));
        if (content != null) {
          gpu.upload(content, matrices[i]);
        }
      }
      int last = matrices.length - 1;
      if (over != null) {
        matrices[last] = matrices[operation.pointers().indexOf(over)];
      }
      switch (operation) {
        case SOFTMAX -> softmax.softmax(ROWS, 2, matrices[0], matrices[1], gpu.stream());
        case LOG_SOFTMAX -> softmax.logSoftmax(ROWS, 2, matrices[0], matrices[1], gpu.stream());
        case SOFTMAX_BACKWARD ->
            softmax.softmaxBackward(ROWS, 2, matrices[0], matrices[1], matrices[2], gpu.stream());
        case LOG_SOFTMAX_BACKWARD ->
            softmax.logSoftmaxBackward(
                ROWS, 2, matrices[0], matrices[1], matrices[2], gpu.stream());
      }
      expected
          .outputs()
          .get(operation.pointers().getLast())
          .check(gpu.download(matrices[last]), operation + " over " + over);
    }
  }

  @Test
  void whatIsWrongIsRefusedBeforeALaunch() {
    EmulatedDevice device = new EmulatedDevice().withoutKernels();
    try (Gpu gpu = Gpu.open(device.driver());
        DeviceScope scope = new DeviceScope()) {
      CudaTemperatureSoftmax softmax =
          scope.own(CudaTemperatureSoftmax.prepare(gpu.context(), ElementType.FLOAT32, 2000));
      DeviceBuffer x = scope.own(gpu.context().memory().allocate("x", softmax.logitsBytes(3)));
      DeviceSpan second = new DeviceSpan(x, softmax.logitsBytes(1), softmax.logitsBytes(2));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> softmax.softmax(4, 2, x, x, gpu.stream()))
          .withMessage("x has 24,000 bytes, but 8,000 elements of FLOAT32 take 32,000");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> softmax.softmax(2, 2, x, second, gpu.stream()))
          .withMessage("y at 0x%x overlaps x at 0x%x".formatted(second.address(), x.address()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> softmax.softmax(2, 0, x, x, gpu.stream()))
          .withMessageStartingWith("temperature 0.0 is not from ");
      softmax.softmax(2, 2, x, x, gpu.stream());
      softmax.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> softmax.softmax(2, 2, x, x, gpu.stream()))
          .withMessage("CudaTemperatureSoftmax of 2,000 classes in FLOAT32 is closed");
      assertThat(device.functions().stream().filter("cuLaunchKernel"::equals)).hasSize(1);
    }
    assertThat(device.live()).isEmpty();
  }
}
