package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLatch;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A session that uses all of this package, once for each of its calls to the driver, which fails in
 * that one: what was made is freed all the same, once, and the failure reaches the caller.
 */
class EveryCallFailsTest {
  /** What makes something, and what ends it. */
  private static final Map<String, String> ENDS =
      Map.of(
          "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2",
          "cuMemAlloc_v2", "cuMemFree_v2",
          "cuMemAllocHost_v2", "cuMemFreeHost",
          "cuStreamCreateWithPriority", "cuStreamDestroy_v2",
          "cuEventCreate", "cuEventDestroy_v2",
          "cuModuleLoadDataEx", "cuModuleUnload",
          "cuGraphInstantiateWithFlags", "cuGraphExecDestroy");

  /** More classes than one block holds. */
  private static final int VOCABULARY = 40_000;

  private static int callsOfASession;

  @BeforeAll
  static void countTheCalls() {
    EmulatedDevice device = new EmulatedDevice().withoutKernels();
    session(device, new ArrayList<>());
    assertThat(device.live()).isEmpty();
    callsOfASession = device.callCount();
  }

  /** Opens handles of every kind, in the order that a training does, and uses each. */
  private static void session(EmulatedDevice device, List<NativeHandle> opened) {
    try (DeviceScope scope = new DeviceScope()) {
      CudaContext context = scope.own(CudaContext.open(device.driver(), 0));
      opened.add(context);
      CudaStream main = scope.own(CudaStream.create(context, "main"));
      CudaStream side = scope.own(CudaStream.create(context, "side"));
      opened.addAll(List.of(main, side));
      CudaEvent fork = scope.own(CudaEvent.create(context, "fork"));
      CudaEvent join = scope.own(CudaEvent.createTiming(context, "join"));
      opened.addAll(List.of(fork, join));
      SmallStep step = new SmallStep(main, scope);
      SmallStep teacher = new SmallStep(main, scope);
      join.record(main);
      fork.isDone();
      join.millisecondsSince(join);
      DeviceBuffer images = scope.own(context.memory().allocate("images", 100));
      HostStaging staging = scope.own(new HostStaging(main, 64));
      opened.add(images);
      staging.copyToDevice(MemorySegment.ofArray(new byte[100]), images, 0);
      CudaGraph graph =
          scope.own(
              CudaGraph.capture(
                  main,
                  "step",
                  () -> {
                    fork.record(main);
                    side.waitFor(fork);
                    teacher.run(side);
                    join.record(side);
                    step.run(main);
                    main.waitFor(join);
                    main.copy(images, 0, images, 50, 50);
                  }));
      opened.add(graph);
      graph.upload(main);
      graph.launch(main);
      join.record(main);
      staging.copyToHost(images, 0, MemorySegment.ofArray(new byte[100]));
      useAsALibrary(scope, context, main, opened);
      context.synchronize();
    }
  }

  /** What is borrowed must be what it is said to be, and a cluster of blocks must have room. */
  private static void useAsALibrary(
      DeviceScope scope, CudaContext context, CudaStream main, List<NativeHandle> opened) {
    CudaContext theirs = scope.own(CudaContext.borrow(context.driver(), 0, context.address()));
    opened.add(theirs);
    opened.add(scope.own(CudaStream.borrow(theirs, "theirs", main.address())));
    scope.own(CudaDistillationLoss.prepare(theirs, ElementType.FLOAT32, VOCABULARY));
  }

  @Test
  void aSessionCallsEveryFunction(TestReporter reporter) {
    EmulatedDevice device = new EmulatedDevice().withoutKernels();
    session(device, new ArrayList<>());
    reporter.publishEntry("calls to the driver, each made to fail", "" + callsOfASession);
    List<String> all =
        Arrays.stream(CudaDriverApi.class.getMethods())
            .map(Method::getName)
            // The driver's finder initialises it; memory is asked for where there is too little.
            .filter(name -> !List.of("latch", "cuInit", "cuMemGetInfo_v2").contains(name))
            .toList();
    assertThat(device.functions()).containsAll(all);
    assertThat(all).containsAll(ENDS.keySet()).containsAll(ENDS.values());
  }

  @ParameterizedTest
  @ValueSource(
      ints = {CudaConstants.CUDA_ERROR_NO_DEVICE, CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, 999})
  void allocationsAndFreesBalanceWhicheverCallFails(int result) {
    for (int k = 0; k < callsOfASession; k++) {
      EmulatedDevice device = new EmulatedDevice().withoutKernels();
      device.failCall(k, result);
      List<NativeHandle> opened = new ArrayList<>();

      RuntimeException failure = failureOf(device, opened);

      String failed = device.calls().get(k);
      assertThat(failure)
          .as("call %d, %s", k, failed)
          .isInstanceOfAny(NativeException.class, DistillException.class);
      requireBalance(device, k);
      assertThat(opened).allMatch(NativeHandle::isClosed);
    }
  }

  private static void requireBalance(EmulatedDevice device, int failedCall) {
    List<String> functions = device.functions();
    String failed = functions.get(failedCall);
    ENDS.forEach(
        (make, end) -> {
          long made =
              functions.stream().filter(make::equals).count() - (make.equals(failed) ? 1 : 0);
          long ended = functions.stream().filter(end::equals).count();
          assertThat(ended).as("%s after call %d, %s", end, failedCall, failed).isEqualTo(made);
        });
    assertThat(device.live()).as("after call %d, %s", failedCall, failed).isEmpty();
  }

  static int[] stickyResults() {
    return IntStream.range(1, 1000).filter(CudaLatch::isSticky).toArray();
  }

  @ParameterizedTest
  @MethodSource("stickyResults")
  void noCallFollowsTheLossOfTheGpuWhicheverCallNoticesIt(int result) {
    for (int k = 0; k < callsOfASession; k++) {
      EmulatedDevice device = new EmulatedDevice().withoutKernels();
      device.failCall(k, result);
      List<NativeHandle> opened = new ArrayList<>();

      RuntimeException failure = failureOf(device, opened);

      assertThat(device.calls()).as("calls after %d", k).hasSize(k + 1);
      assertThat(failure)
          .isInstanceOfSatisfying(
              DistillException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE))
          .hasMessageStartingWith("the GPU is lost until the program starts again: ")
          .hasMessageContaining(device.calls().getLast());
      // Nothing is even tried that could only be refused.
      assertThat(failure.getSuppressed()).as("after call %d", k).isEmpty();
      assertThat(opened).allMatch(NativeHandle::isClosed);
    }
  }

  private static RuntimeException failureOf(EmulatedDevice device, List<NativeHandle> opened) {
    try {
      session(device, opened);
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }
}
