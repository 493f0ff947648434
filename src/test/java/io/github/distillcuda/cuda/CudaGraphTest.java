package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CudaGraphTest {
  private final EmulatedDevice device = new EmulatedDevice();
  private final CudaDriverApi driver = device.driver();
  private final DeviceScope scope = new DeviceScope();
  private CudaContext context;
  private CudaStream stream;
  private SmallStep step;

  @BeforeEach
  void open() {
    context = scope.own(CudaContext.open(driver, 0));
    stream = scope.own(CudaStream.create(context, "main"));
    step = new SmallStep(stream, scope);
  }

  @AfterEach
  void everythingIsFreed() {
    scope.close();
    assertThat(device.live()).isEmpty();
  }

  @Test
  void workIsRecordedOnceAndLaunchedAsAWhole() {
    CudaGraph graph =
        scope.own(
            CudaGraph.capture(
                stream,
                "two steps",
                () -> {
                  step.run(stream);
                  step.run(stream);
                }));
    // A step is a fill and a kernel.
    assertThat(graph.nodes()).isEqualTo(4);
    assertThat(device.live()).doesNotContainValue("graph");

    int calls = device.callCount();
    graph.upload(stream);
    graph.launch(stream);
    graph.launch(stream);
    assertThat(device.functions().subList(calls, device.callCount()))
        .containsExactly("cuGraphUpload", "cuGraphLaunch", "cuGraphLaunch");
    graph.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> graph.launch(stream))
        .withMessage("CudaGraph two steps is closed");
  }

  @Test
  void workThatThrowsLeavesTheStreamUsable() {
    IllegalArgumentException failure = new IllegalArgumentException("no such shape");
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(
            () ->
                CudaGraph.capture(
                    stream,
                    "broken",
                    () -> {
                      step.run(stream);
                      throw failure;
                    }))
        .isSameAs(failure)
        .satisfies(e -> assertThat(e.getSuppressed()).isEmpty());
    assertThat(device.live()).doesNotContainValue("graph");
    stream.synchronize(); // it is not captured any more
  }

  @Test
  void waitingInsideARecordingIsRefusedByTheDriver() {
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(() -> CudaGraph.capture(stream, "waiting", stream::synchronize))
        .satisfies(e -> assertThat(e.code()).isEqualTo(900));
    stream.synchronize(); // it is not captured any more
  }

  @Test
  void aRecordingThatCannotBeEndedIsReportedWithItsCause() {
    IllegalArgumentException failure = new IllegalArgumentException("no such shape");
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(
            () ->
                CudaGraph.capture(
                    stream,
                    "broken",
                    () -> {
                      device.failCall(device.callCount(), 901);
                      throw failure;
                    }))
        .isSameAs(failure)
        .satisfies(
            e ->
                assertThat(e.getSuppressed())
                    .singleElement()
                    .asString()
                    .contains("cuStreamEndCapture"));
  }
}
