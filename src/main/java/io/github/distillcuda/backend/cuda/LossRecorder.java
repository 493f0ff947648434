package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LossChains;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.StateLayout;
import io.github.distillcuda.tensor.Shape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Records the distillation loss of a batch, as the chain of {@link LossChains} that was asked for,
 * and then the sums over its rows.
 */
final class LossRecorder {
  private static final String GRADIENT = "dz";

  private final Recording recording;
  private final CudaSession session;
  private final LossSpec spec;
  private final CudaBatch batch;
  private final CudaStepState state;

  /** The arrays of the chain by name; one that is missing is allocated when it is first bound. */
  private final Map<String, DeviceSpan> arrays = new HashMap<>();

  LossRecorder(Recording recording, LossSpec spec, CudaBatch batch, CudaStepState state) {
    this.recording = recording;
    session = recording.session();
    this.spec = spec;
    this.batch = batch;
    this.state = state;
  }

  /**
   * Records the loss and returns its gradient.
   *
   * @param teacher null if the loss does not read it
   */
  CudaTensor record(CudaTensor student, CudaTensor teacher) {
    recording.reads(Branch.MAIN, student, teacher);
    int classes = student.shape().extent(1);
    CudaTensor gradient = recording.tensor(student.name() + ".gradient", Shape.of(classes));
    arrays.put("z", student.span());
    arrays.put("labels", batch.labels());
    arrays.put(
        "labelledRows",
        new DeviceSpan(batch.state().numbers(), StateLayout.BATCH_LABELLED_ROWS, Integer.BYTES));
    arrays.put(GRADIENT, gradient.span());
    if (teacher != null) {
      arrays.put("v", teacher.span());
    }
    LossChains.Loss loss =
        new LossChains.Loss(
            ElementType.FLOAT32, recording.batch(), classes, spec.temperature(), spec.alpha());
    Kernels kernels = session.options().kernels();
    chain(kernels, loss).forEach(launch -> record(launch, gradient));
    if (kernels == Kernels.EAGER) {
      record(LossChains.rowOutcome(loss), gradient);
    }
    if (kernels != Kernels.FUSED && teacher != null) {
      recordTeacherCheck(teacher);
    }
    recording.reads(Branch.SIDE, gradient);
    // Beside the backward pass: only the optimizer waits for the sums of the epoch.
    recording.kernel(
        Branch.SIDE,
        new Work.OfStep("row sums"),
        kernels == Kernels.EAGER ? batchMeans() : rowSums());
    return gradient;
  }

  private static List<LossChains.Launch> chain(Kernels kernels, LossChains.Loss loss) {
    return switch (kernels) {
      case FUSED -> LossChains.fused(loss);
      case UNFUSED -> LossChains.formulas(loss);
      case EAGER -> LossChains.eager(loss);
    };
  }

  private void record(LossChains.Launch launch, CudaTensor gradient) {
    KernelLaunch prepared = session.prepare(launch.kernel(), launch.sizes());
    launch.numbers().forEach(prepared::bind);
    for (KernelParameter.Pointer pointer : launch.kernel().pointers()) {
      String array = launch.arrays().get(pointer.name());
      if (pointer.nullable() && !arrays.containsKey(array)) {
        prepared.bindNull(pointer.name());
      } else {
        prepared.bind(pointer.name(), array(array, byteSize(pointer, launch.sizes())));
      }
    }
    if (launch.arrays().containsValue(GRADIENT)) {
      recording.kernel(Branch.MAIN, new Work.OfStep(launch.operation()), prepared, gradient);
    } else {
      recording.kernel(Branch.MAIN, new Work.OfStep(launch.operation()), prepared);
    }
  }

  private static long byteSize(KernelParameter.Pointer pointer, KernelSizes sizes) {
    long elements =
        Math.max(pointer.reads().applyAsLong(sizes), pointer.writes().applyAsLong(sizes));
    return elements * pointer.element().bytes();
  }

  /** Returns an array of the chain, zero where nothing was written. */
  private DeviceSpan array(String name, long byteSize) {
    return arrays.computeIfAbsent(
        name, one -> DeviceSpan.of(session.allocate("loss." + one, byteSize)));
  }

  private DeviceSpan ofRows(String name) {
    return array(name, (long) recording.batch() * Integer.BYTES);
  }

  /**
   * A logit of -inf has a probability of 0, in which the formulas lose it. Tensors are padded with
   * zeros to the multiple of 4 elements that the check takes.
   */
  private void recordTeacherCheck(CudaTensor teacher) {
    int padded = Math.ceilDiv(teacher.shape().elements(), 4) * 4;
    recording.kernel(
        Branch.MAIN,
        new Work.OfStep("finite check of the teacher"),
        session
            .prepare(ReductionKernels.FINITE_CHECK, KernelSizes.of("n", padded))
            .bind("a", teacher.span())
            .bind("b", teacher.span())
            .bind("state", state.numbers()));
  }

  private KernelLaunch rowSums() {
    return sums(ReductionKernels.ROW_SUMS)
        .bind("distillation", ofRows("distillation"))
        .bind("crossEntropy", ofRows("crossEntropy"));
  }

  private KernelLaunch batchMeans() {
    return sums(ReductionKernels.BATCH_MEANS)
        .bind("distillationMean", array(LossChains.DISTILLATION_MEAN, Float.BYTES))
        .bind("crossEntropyMean", array(LossChains.CROSS_ENTROPY_MEAN, Float.BYTES));
  }

  private KernelLaunch sums(KernelSignature kernel) {
    return session
        .prepare(kernel, KernelSizes.of("rows", recording.batch()))
        .bind("outcome", ofRows("outcome"))
        .bind("state", state.numbers())
        .bind("alpha", spec.alpha());
  }
}
