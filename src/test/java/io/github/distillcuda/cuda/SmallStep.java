package io.github.distillcuda.cuda;

import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.StateLayout;
import java.util.List;

/** Work for tests: a fill and one kernel, on buffers of their own. */
final class SmallStep {
  private final DeviceBuffer rows;
  private final KernelLaunch sums;

  /** Allocates what the step needs in a scope, and clears its sums in a stream. */
  SmallStep(CudaStream stream, DeviceScope scope) {
    CudaContext context = stream.context();
    rows = scope.own(context.memory().allocate("rows", 3 * 256));
    DeviceBuffer state = scope.own(context.memory().allocate("state", StateLayout.BYTES));
    stream.clear(state);
    KernelLibrary kernels =
        scope.own(
            KernelLibrary.load(
                context, List.of(ReductionKernels.ROW_SUMS, GatherKernels.NCHW_FLOAT32)));
    // Prepared only, for the shared memory that it asks for.
    kernels
        .function(GatherKernels.NCHW_FLOAT32)
        .prepare(KernelSizes.of("rows", 1, "classes", 10).and("channels", 3).and("pixels", 1024));
    sums =
        kernels
            .function(ReductionKernels.ROW_SUMS)
            .prepare(KernelSizes.of("rows", 64))
            .bind("distillation", rows, 0)
            .bind("crossEntropy", rows, 256)
            .bind("outcome", rows, 512)
            .bind("state", state)
            .bind("alpha", 0.7);
  }

  void run(CudaStream stream) {
    stream.clear(rows);
    sums.launch(stream);
  }
}
