package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.distillcuda.cuda.kernels.AdamKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.ffi.CudaDriverApi;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two contexts in one thread: each handle works in its own, and the two do not mix. */
class TwoContextsTest {
  private final EmulatedDevice device = new EmulatedDevice().withGpus(2).withoutKernels();
  private final CudaDriverApi driver = device.driver();

  @Test
  void eachAllocatesInItself() {
    try (CudaContext a = CudaContext.open(driver, 0);
        CudaContext b = CudaContext.open(driver, 1);
        DeviceBuffer ofA = a.memory().allocate("a", 8);
        DeviceBuffer ofB = b.memory().allocate("b", 8);
        CudaStream streamOfA = CudaStream.create(a, "a")) {
      assertThat(device.contextOfMemory(ofA.address())).isEqualTo(a.address());
      assertThat(device.contextOfMemory(ofB.address())).isEqualTo(b.address());
      assertThat(driver.cuStreamGetCtx(streamOfA.address())).isEqualTo(a.address());
    }
    assertThat(device.live()).isEmpty();
  }

  @Test
  void whatIsOfOneIsFreedAfterTheOtherIsClosed() {
    CudaContext a = CudaContext.open(driver, 0);
    DeviceBuffer buffer = a.memory().allocate("a", 8);
    CudaContext b = CudaContext.open(driver, 1);
    b.close();
    buffer.close();
    a.close();
    assertThat(device.live()).isEmpty();
  }

  @Test
  void librariesWorkInTheContextOfTheirLane() {
    CudaEngine engine = EmulatedEngine.of(device);
    CudaContext a = CudaContext.open(driver, 0);
    ComputeLane lane = ComputeLane.open(a, engine, MathMode.FP32, "a");
    CudaContext.open(driver, 1).close();
    lane.cudnn();
    CudaContext.open(driver, 1).close();
    lane.cublas();
    CudaContext.open(driver, 1).close();
    lane.cublasLt();
    CudaContext.open(driver, 1).close();
    lane.close();
    a.close();
    assertThat(device.live()).isEmpty();
  }

  /** A context is the thread's current one all along, however many wrappers there are of it. */
  @Test
  void oneContextIsMadeCurrentOnce() {
    CudaContext context = CudaContext.open(driver, 0);
    CudaContext borrowed = CudaContext.borrow(driver, 0, context.address());
    CudaStream stream = CudaStream.create(context, "main");
    int calls = device.callCount();
    for (CudaContext one : List.of(context, borrowed, context)) {
      try (DeviceBuffer buffer = one.memory().allocate("weights", 8)) {
        stream.clear(buffer);
      }
    }
    borrowed.close();
    stream.close();
    assertThat(device.functions().subList(calls, device.callCount()))
        .doesNotContain("cuCtxSetCurrent");
    context.close();
    assertThat(device.live()).isEmpty();
  }

  @Test
  void memoryOfAnotherContextIsRefused() {
    try (CudaContext a = CudaContext.open(driver, 0);
        CudaContext b = CudaContext.open(driver, 1);
        CudaStream stream = CudaStream.create(a, "main");
        PinnedBuffer pinned = PinnedBuffer.allocate(a, "pinned", 8);
        DeviceBuffer ours = a.memory().allocate("ours", 8);
        DeviceBuffer theirs = b.memory().allocate("theirs", 8)) {
      String message =
          "DeviceBuffer theirs is of CudaContext cuda:1 (0x%x), but CudaStream main is of"
              + " CudaContext cuda:0 (0x%x)";
      int calls = device.callCount();
      for (Runnable mixture :
          List.<Runnable>of(
              () -> stream.clear(theirs),
              () -> stream.copyToDevice(pinned, 0, theirs, 0, 8),
              () -> stream.copyToHost(theirs, 0, pinned, 0, 8),
              () -> stream.copy(theirs, 0, ours, 0, 8),
              () -> stream.copy(ours, 0, theirs, 0, 8))) {
        assertThatIllegalArgumentException()
            .isThrownBy(mixture::run)
            .withMessage(message, b.address(), a.address());
      }
      assertThat(device.callCount()).isEqualTo(calls);
    }
  }

  @Test
  void anOperationTakesArraysOfItsOwnContext() {
    try (CudaContext a = CudaContext.open(driver, 0);
        CudaContext b = CudaContext.open(driver, 1);
        CudaTemperatureSoftmax softmax =
            CudaTemperatureSoftmax.prepare(a, ElementType.FLOAT32, 10);
        DeviceBuffer ours = a.memory().allocate("ours", 40);
        DeviceBuffer theirs = b.memory().allocate("theirs", 40);
        CudaStream stream = CudaStream.create(a, "main")) {
      for (DeviceRange range : List.of(theirs, DeviceSpan.of(theirs))) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> softmax.softmax(1, 2, range, ours, stream))
            .withMessage("x is in CudaContext cuda:1, not in CudaContext cuda:0");
      }
      assertThat(device.functions()).doesNotContain("cuLaunchKernel");
    }
  }

  @Test
  void aKernelTakesMemoryAndStreamsOfItsOwnContext() {
    try (CudaContext a = CudaContext.open(driver, 0);
        CudaContext b = CudaContext.open(driver, 1);
        KernelLibrary kernels = KernelLibrary.load(a, List.of(AdamKernels.ADAM));
        DeviceBuffer ours = a.memory().allocate("ours", 64);
        DeviceBuffer theirs = b.memory().allocate("theirs", 64);
        CudaStream stream = CudaStream.create(b, "side")) {
      KernelLaunch launch =
          kernels.function(AdamKernels.ADAM).prepare(KernelSizes.of("n", 4)).bind("state", ours);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> launch.bind("gradients", theirs))
          .withMessageContainingAll("DeviceBuffer theirs is of CudaContext cuda:1", "cuda:0");
      for (String pointer : List.of("parameters", "gradients", "firstMoments", "secondMoments")) {
        launch.bind(pointer, ours);
      }
      for (String number : List.of("learningRate", "beta1", "beta2", "epsilon")) {
        launch.bind(number, 0.5);
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> launch.launch(stream))
          .withMessageContainingAll("CudaStream side is of CudaContext cuda:1", "cuda:0");
      assertThat(device.functions()).doesNotContain("cuLaunchKernel");
    }
  }
}
