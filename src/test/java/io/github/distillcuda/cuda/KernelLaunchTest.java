package io.github.distillcuda.cuda;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.cuda.kernels.AdamKernels;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.StateLayout;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What reaches the driver of a kernel's arguments. */
class KernelLaunchTest {
  private static final KernelSizes ADAM_SIZES = KernelSizes.of("n", 1000);

  private final EmulatedDevice device = new EmulatedDevice().withoutKernels();
  private final CudaDriverApi driver = device.driver();
  private final DeviceScope scope = new DeviceScope();
  private CudaContext context;
  private CudaStream stream;
  private KernelLibrary kernels;
  private DeviceBuffer arena;
  private DeviceBuffer state;

  @BeforeEach
  void open() {
    context = scope.own(CudaContext.open(driver, 0));
    stream = scope.own(CudaStream.create(context, "main"));
    kernels =
        scope.own(
            KernelLibrary.load(
                context,
                List.of(AdamKernels.ADAM, ReductionKernels.ROW_SUMS, GatherKernels.NCHW_FLOAT32)));
    arena = scope.own(context.memory().allocate("arena", 4 * 4096));
    state = scope.own(context.memory().allocate("state", StateLayout.BYTES));
  }

  @AfterEach
  void everythingIsFreed() {
    scope.close();
    if (!driver.latch().isLost()) {
      assertThat(device.live()).isEmpty();
    }
  }

  private KernelLaunch adam() {
    return kernels
        .function(AdamKernels.ADAM)
        .prepare(ADAM_SIZES)
        .bind("parameters", arena)
        .bind("gradients", arena, 4096)
        .bind("firstMoments", arena, 8192)
        .bind("secondMoments", arena, 12288)
        .bind("state", state)
        .bind("learningRate", 1e-3)
        .bind("beta1", 0.9)
        .bind("beta2", 0.999)
        .bind("epsilon", 1e-8);
  }

  @Test
  void argumentsLieInTheOrderOfTheSignature() {
    adam().launch(stream);

    assertThat(argument(0, 8).get(JAVA_LONG, 0)).isEqualTo(arena.address());
    assertThat(argument(1, 8).get(JAVA_LONG, 0)).isEqualTo(arena.address() + 4096);
    assertThat(argument(2, 8).get(JAVA_LONG, 0)).isEqualTo(arena.address() + 8192);
    assertThat(argument(3, 8).get(JAVA_LONG, 0)).isEqualTo(arena.address() + 12288);
    assertThat(argument(4, 8).get(JAVA_LONG, 0)).isEqualTo(state.address());
    assertThat(argument(5, 8).get(JAVA_DOUBLE, 0)).isEqualTo(1e-3);
    assertThat(argument(6, 8).get(JAVA_DOUBLE, 0)).isEqualTo(0.9);
    assertThat(argument(7, 8).get(JAVA_DOUBLE, 0)).isEqualTo(0.999);
    assertThat(argument(8, 8).get(JAVA_DOUBLE, 0)).isEqualTo(1e-8);
    assertThat(argument(9, 4).get(JAVA_INT, 0)).isEqualTo(1000);
    assertThat(device.kernelParams().byteSize()).isEqualTo(10 * 8);
    // 1000 elements, 4 a thread, 256 threads a block.
    assertThat(device.calls().getLast())
        .startsWith("cuLaunchKernel(")
        .endsWith(", 1, 1, 1, 256, 1, 1, 0, 0x%x, 80 bytes)".formatted(stream.address()));
  }

  @Test
  void aFloatIsPassedAsAFloat() {
    kernels
        .function(ReductionKernels.ROW_SUMS)
        .prepare(KernelSizes.of("rows", 64))
        .bind("distillation", arena)
        .bind("crossEntropy", arena, 256)
        .bind("outcome", arena, 512)
        .bind("state", state)
        .bind("alpha", 0.7)
        .launch(stream);
    assertThat(argument(4, 4).get(JAVA_FLOAT, 0)).isEqualTo(0.7f);
    assertThat(argument(5, 4).get(JAVA_INT, 0)).isEqualTo(64);
  }

  @Test
  void sharedMemoryIsAskedForOnce() {
    KernelSizes cifar =
        KernelSizes.of("rows", 64, "classes", 10).and("channels", 3).and("pixels", 1024);
    KernelFunction gather = kernels.function(GatherKernels.NCHW_FLOAT32);
    gather.prepare(cifar);
    gather.prepare(cifar);
    assertThat(device.calls())
        .filteredOn(call -> call.startsWith("cuFuncSetAttribute"))
        .singleElement()
        .satisfies(call -> assertThat(call).endsWith(", 8, 3072)"));
  }

  @Test
  void nothingIsLaunchedBeforeAllArgumentsAreBound() {
    KernelLaunch launch =
        kernels
            .function(ReductionKernels.ROW_SUMS)
            .prepare(KernelSizes.of("rows", 64))
            .bind("distillation", arena)
            .bind("outcome", arena)
            .bind("alpha", 0.7);
    assertThatIllegalStateException()
        .isThrownBy(() -> launch.launch(stream))
        .withMessage("row_sums_fused_f32_v1 lacks [crossEntropy, state]");
    assertThat(device.functions()).doesNotContain("cuLaunchKernel");
  }

  /** The driver's own words have but an address for it. */
  @Test
  void aFailedLaunchNamesTheKernel() {
    KernelLaunch launch = adam();
    for (int result : new int[] {CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, 701}) {
      device.failNext("cuLaunchKernel", result);
      assertThatExceptionOfType(NativeException.class)
          .isThrownBy(() -> launch.launch(stream))
          .withMessageStartingWith("cuLaunchKernel(")
          .withMessageEndingWith("; the kernel to launch was adam_fused_f32_v2")
          .satisfies(e -> assertThat(e.code()).isEqualTo(result))
          .satisfies(
              e ->
                  assertThat(e.exitCode())
                      .isEqualTo(result == 2 ? ExitCode.DEVICE_MEMORY : ExitCode.DEVICE));
    }
    device.failNext("cuLaunchKernel", CudaConstants.CUDA_ERROR_LAUNCH_FAILED);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> launch.launch(stream))
        .withMessageStartingWith("the GPU is lost until the program starts again: cuLaunchKernel(")
        .withMessageEndingWith("; the kernel to launch was adam_fused_f32_v2")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    assertThat(context.isLost()).isTrue();
  }

  @Test
  void aBufferThatIsTooSmallIsRefused() {
    KernelLaunch launch = kernels.function(AdamKernels.ADAM).prepare(ADAM_SIZES);
    // 1000 floats are 4000 bytes of 16384.
    launch.bind("gradients", arena, 16384 - 4000);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> launch.bind("gradients", arena, 16384 - 3996));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> launch.bind("gradients", arena, 2))
        .withMessageContaining("is not aligned at byte 2 of DeviceBuffer arena");
  }

  @Test
  void whatDoesNotFitTheSignatureIsRefused() {
    KernelFunction function = kernels.function(AdamKernels.ADAM);
    KernelLaunch launch = function.prepare(ADAM_SIZES);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> launch.bind("weights", arena))
        .withMessage("adam_fused_f32_v2 has no parameter weights");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> launch.bind("beta1", arena))
        .withMessage("beta1 of adam_fused_f32_v2 is of the type f64");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> launch.bind("gradients", 1.0))
        .withMessage("gradients of adam_fused_f32_v2 is not a number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> launch.bindNull("gradients"))
        .withMessage("gradients of adam_fused_f32_v2 must not be null");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> function.prepare(KernelSizes.of("n", 6)))
        .withMessageContaining("a multiple of 4 elements");
  }

  @Test
  void nullIsPassedWhereTheKernelTakesIt() {
    KernelSizes sizes =
        KernelSizes.of("rows", 1, "classes", 10).and("channels", 1).and("pixels", 16);
    KernelLaunch gather =
        kernels
            .function(GatherKernels.NCHW_FLOAT32)
            .prepare(sizes)
            .bindNull("teacherCache")
            .bindNull("teacher")
            .bind("state", state);
    for (String name :
        List.of("data", "dataLabels", "order", "images", "labels", "ids", "labelledRows")) {
      gather.bind(name, arena);
    }
    gather.launch(stream);
    assertThat(argument(3, 8).get(JAVA_LONG, 0)).isZero();
    assertThat(argument(8, 8).get(JAVA_LONG, 0)).isZero();
  }

  @Test
  void aClosedBufferIsNotBoundAndAClosedStreamNotUsed() {
    DeviceBuffer closed = context.memory().allocate("closed", 4000);
    closed.close();
    KernelLaunch launch = adam();
    assertThatIllegalStateException().isThrownBy(() -> launch.bind("gradients", closed));
    CudaStream closedStream = CudaStream.create(context, "other");
    closedStream.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> launch.launch(closedStream))
        .withMessage("CudaStream other is closed");
  }

  @SuppressWarnings("restricted")
  private MemorySegment argument(int index, long byteSize) {
    return MemorySegment.ofAddress(device.kernelParams().getAtIndex(JAVA_LONG, index))
        .reinterpret(byteSize);
  }
}
