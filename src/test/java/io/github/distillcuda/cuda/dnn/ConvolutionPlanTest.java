package io.github.distillcuda.cuda.dnn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan.Direction;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a convolution is computed with, by rule, on an emulated device. */
class ConvolutionPlanTest {
  private final EmulatedDevice device = new EmulatedDevice().withoutWork();
  private final DeviceScope scope = new DeviceScope();
  private final CudaEngine engine = EmulatedEngine.of(device);
  private final CudaContext context = scope.own(CudaContext.open(engine.driver(), 0));

  private ComputeLane lane(MathMode math) {
    return scope.own(ComputeLane.open(context, engine, math, "one"));
  }

  /** Plans the first convolution of the published student. */
  private ConvolutionPlan plan(ComputeLane lane, int batch) {
    return scope.own(new ConvolutionPlan(lane, new ImageShape(batch, 3, 32, 32), 32));
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertThat(device.live()).isEmpty();
  }

  /** Of 104 images on the emulated cuDNN asks for more than 32 MiB to transform. */
  @ParameterizedTest
  @CsvSource({"TF32, 64, 5", "TF32, 103, 5", "TF32, 104, 1", "TF32, 256, 1", "FP32, 64, 1"})
  void winogradTakesTheFilterGradientsOfSmallBatches(MathMode math, int batch, int algorithm) {
    ConvolutionPlan plan = plan(lane(math), batch);
    plan.takeByRule(Direction.BACKWARD_FILTER);
    assertThat(plan.algorithm(Direction.BACKWARD_FILTER).number()).isEqualTo(algorithm);
  }

  /** A run that began by an older rule goes on with its bits. */
  @Test
  void aRecordedWinogradIsTakenWhateverItsWorkspace() {
    ConvolutionPlan plan = plan(lane(MathMode.TF32), 256);
    assertThat(
            plan.take(
                Direction.BACKWARD_FILTER,
                new ConvolutionAlgorithm(
                    CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED,
                    MathMode.TF32.convolution(),
                    false)))
        .isTrue();
  }

  /** Measuring takes 256 MiB; what the rule takes fits into less. */
  @ParameterizedTest
  @CsvSource({"1, false", "300, true"})
  void whereThereIsNoRoomToMeasureTheRuleChooses(int freeMebibytes, boolean measured) {
    ComputeLane lane = lane(MathMode.TF32);
    ConvolutionPlan plan = plan(lane, 1);
    DeviceSpan any = DeviceSpan.of(scope.own(context.memory().allocate("any", 32 * 32 * 32 * 4)));
    device.withFreeBytes((long) freeMebibytes << 20);
    for (Direction direction : Direction.values()) {
      plan.measure(direction, any, any, any);
      assertThat(plan.algorithm(direction).measured()).isEqualTo(measured);
    }
  }

  /** A lane's workspace is as large as the largest of its plans wants it. */
  @Test
  void cudnnIsLentWhatItAskedForHoweverMuchIsReserved() {
    ComputeLane lane = lane(MathMode.TF32);
    ConvolutionPlan plan = plan(lane, 8);
    for (Direction direction : Direction.values()) {
      plan.takeByRule(direction);
    }
    DeviceSpan any = DeviceSpan.of(scope.own(context.memory().allocate("any", 16)));
    List<String> alone = lent(plan, any);
    assertThat(alone).doesNotHaveDuplicates();
    lane.reserve(2 * lane.workspaceBytes());
    assertThat(lent(plan, any)).isEqualTo(alone);
  }

  /** Computes in all directions, and returns the size of the workspace in each call. */
  private List<String> lent(ConvolutionPlan plan, DeviceSpan any) {
    int before = device.callCount();
    plan.forward(any, any, any);
    plan.inputGradient(any, any, any);
    plan.weightGradient(any, any, any);
    return device.calls().subList(before, device.callCount()).stream()
        .map(call -> call.split(", ")[9])
        .toList();
  }
}
