package io.github.distillcuda.ffi;

import static io.github.distillcuda.ffi.CudaStubEngine.MEMORY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaPrototype.Result;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the engines make of results that are not success, for every function, through Panama. */
class CudaFailuresTest {
  @TempDir static Path folder;
  private static List<CudaStubEngine> engines;

  @BeforeAll
  static void buildLibraries() throws Exception {
    engines = CudaStubEngine.all(folder);
  }

  static List<CudaStubEngine> engines() {
    return engines;
  }

  private static CudaStubEngine driver() {
    return engines.getFirst();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void everyStatusIsChecked(CudaStubEngine engine) {
    Object api = engine.open();
    for (Method method : engine.methods()) {
      if (engine.prototype(method).returns() == Result.STATUS) {
        engine.stub().answer(1);
        assertThatExceptionOfType(NativeException.class)
            .as(method.getName())
            .isThrownBy(
                () -> CudaStubEngine.invoke(api, method, CudaStubEngine.anyArguments(method)))
            .withMessageMatching(
                "\\Q%s\\E\\(.*\\) failed: (CUDA_ERROR_OF_STUB|some text) \\(1\\) .*"
                    .formatted(method.getName()))
            .satisfies(e -> assertThat(e.code()).isEqualTo(1));
      }
    }
  }

  @Test
  void aFailureShowsArgumentsByName() {
    CudaStubEngine engine = driver();
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    engine.stub().answer(2);
    assertThatThrownBy(() -> driver.cuMemAlloc_v2(4_294_967_296L))
        .hasMessage(
            "cuMemAlloc_v2(bytesize=4294967296) failed: CUDA_ERROR_OF_STUB (2) says the stub");
    assertThatThrownBy(() -> driver.cuLaunchKernel(0xf, 1, 2, 3, 4, 5, 6, 7, 0xa0, MEMORY))
        .hasMessage(
            "cuLaunchKernel(f=0xf, gridDimX=1, gridDimY=2, gridDimZ=3, blockDimX=4, blockDimY=5, "
                + "blockDimZ=6, sharedMemBytes=7, hStream=0xa0) failed: CUDA_ERROR_OF_STUB (2) "
                + "says the stub");
  }

  @Test
  void notReadyIsAnAnswer() {
    CudaStubEngine engine = driver();
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    engine.stub().answer(CudaConstants.CUDA_ERROR_NOT_READY);
    assertThat(driver.cuEventQuery(0x1)).isFalse();
    engine.stub().answer(0);
    assertThat(driver.cuEventQuery(0x1)).isTrue();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void nothingIsCalledOnceTheGpuIsLost(CudaStubEngine engine) {
    CudaLatch latch = new CudaLatch();
    Object api = engine.open(latch);
    RuntimeException loss =
        latch.driverFailure(
            new NativeException(
                "cuCtxSynchronize()", "CUDA_ERROR_LAUNCH_FAILED", 719, "unspecified"));
    assertThat(loss).isInstanceOf(DistillException.class).hasMessageContaining("(719)");
    int calls = engine.stub().calls();
    for (Method method : engine.methods()) {
      assertThatExceptionOfType(DistillException.class)
          .as(method.getName())
          .isThrownBy(() -> CudaStubEngine.invoke(api, method, CudaStubEngine.anyArguments(method)))
          .withMessageStartingWith(method.getName() + " was not called")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    }
    assertThat(engine.stub().calls()).isEqualTo(calls);
  }

  @Test
  void aStickyResultOfAnyDriverFunctionLosesTheGpu() {
    CudaStubEngine engine = driver();
    for (Method method : engine.methods()) {
      Object api = engine.open();
      engine.stub().answer(CudaConstants.CUDA_ERROR_ILLEGAL_ADDRESS);
      assertThatExceptionOfType(DistillException.class)
          .as(method.getName())
          .isThrownBy(() -> CudaStubEngine.invoke(api, method, CudaStubEngine.anyArguments(method)))
          .withMessageContaining(method.getName() + "(")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
      assertThat(((CudaDriverApi) api).latch().isLost()).isTrue();
    }
  }

  /** Launches must not feed the garbage collector; planning may. */
  @Test
  void aLaunchAllocatesNothingOnTheHeap() {
    CudaStubEngine engine = driver();
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    Runnable launches =
        () -> {
          for (int i = 0; i < 20_000; i++) {
            driver.cuLaunchKernel(0xf, 1, 2, 3, 4, 5, 6, 7, 0xa0, MEMORY);
            driver.cuGraphLaunch(0xf, 0xa0);
          }
        };
    // Compiled code decides: the interpreter boxes what passes a method handle.
    launches.run();
    launches.run();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    launches.run();
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    // One object a call would be 16 bytes at least, 640,000 in all.
    assertThat(allocated).isLessThan(64_000);
  }
}
