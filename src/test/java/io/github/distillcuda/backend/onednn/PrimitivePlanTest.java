package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.NativeException;
import io.github.distillcuda.ffi.OnednnConstants;
import io.github.distillcuda.ffi.OnednnLibrary;
import io.github.distillcuda.tensor.DType;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PrimitivePlanTest {
  private static final int BATCH = 4;

  private final OnednnContext context =
      new OnednnContext(OnednnLibrary.load(), 2, true, DType.FLOAT32);

  @AfterEach
  void close() {
    context.close();
  }

  /** Channels-last weights and images of 32 channels, for which there is no fast convolution. */
  private LongSupplier slow() {
    return convolution(
        context.plain(BATCH, 32, 8, 8),
        context.plain(32, 32, 3, 3),
        context.plain(BATCH, 32, 8, 8));
  }

  private LongSupplier fast() {
    return convolution(
        context.any(BATCH, 32, 8, 8), context.any(32, 32, 3, 3), context.any(BATCH, 32, 8, 8));
  }

  private LongSupplier impossible() {
    return () -> {
      throw new NativeException("dnnl_x()", "unimplemented", OnednnConstants.UNIMPLEMENTED);
    };
  }

  private LongSupplier convolution(long source, long weights, long destination) {
    return () ->
        context
            .describe()
            .convolution_backward_data(
                context.engine(),
                OnednnConstants.CONVOLUTION_DIRECT,
                source,
                weights,
                destination,
                LayerPlanner.FILTER,
                hint(),
                context.attributes());
  }

  private long hint() {
    long source = context.any(BATCH, 32, 8, 8);
    return PrimitivePlan.first(
            context,
            "hint",
            () ->
                context
                    .describe()
                    .convolution_forward(
                        context.engine(),
                        OnednnConstants.FORWARD_TRAINING,
                        OnednnConstants.CONVOLUTION_DIRECT,
                        source,
                        context.any(32, 32, 3, 3),
                        context.plain(32),
                        source,
                        LayerPlanner.FILTER,
                        context.attributes()))
        .descriptor();
  }

  @Test
  void failsRatherThanRunAReferenceImplementation() {
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> PrimitivePlan.first(context, "conv9 backward", slow(), impossible()))
        .withMessageContaining("conv9 backward")
        .withMessageContaining("ref")
        .withMessageContaining("--device reference")
        .matches(e -> e.exitCode() == ExitCode.DEVICE);
  }

  @Test
  void takesTheFirstCandidateThatIsFast() {
    PrimitivePlan plan = PrimitivePlan.first(context, "conv9", impossible(), slow(), fast());
    assertThat(plan.implementation()).startsWith("jit").doesNotContain("ref");
  }

  @Test
  void doesNotHideOtherFailures() {
    LongSupplier broken =
        () -> {
          throw new NativeException("dnnl_x()", "out_of_memory", OnednnConstants.OUT_OF_MEMORY);
        };
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(() -> PrimitivePlan.first(context, "conv9", broken, fast()));
  }
}
