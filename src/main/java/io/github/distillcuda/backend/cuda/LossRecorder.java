package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.kernels.DistillationLossFusedKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.StateLayout;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.tensor.Shape;
import java.util.List;

/**
 * Records the distillation loss of a batch, as one kernel or as the chain of one kernel a formula,
 * and then the sums over its rows. The chain leaves out what alpha = 0 or 1 does not need, as the
 * fused kernel does.
 */
final class LossRecorder {
  /** What the backward pass of the distillation term needs: q, and log p. */
  private record SoftTerm(CudaTensor q, CudaTensor logP) {}

  private final Recording recording;
  private final CudaSession session;
  private final LossSpec spec;
  private final CudaBatch batch;
  private final CudaStepState state;
  private final DeviceSpan distillation;
  private final DeviceSpan crossEntropy;
  private final DeviceSpan outcome;

  LossRecorder(Recording recording, LossSpec spec, CudaBatch batch, CudaStepState state) {
    this.recording = recording;
    session = recording.session();
    this.spec = spec;
    this.batch = batch;
    this.state = state;
    int rows = recording.batch();
    distillation = session.floats("loss.distillation", rows);
    crossEntropy = session.floats("loss.crossEntropy", rows);
    outcome = DeviceSpan.of(session.allocate("loss.outcome", (long) rows * Integer.BYTES));
  }

  /**
   * Records the loss and returns its gradient.
   *
   * @param teacher null if the loss does not read it
   */
  CudaTensor record(CudaTensor student, CudaTensor teacher) {
    recording.reads(Branch.MAIN, student, teacher);
    CudaTensor gradient = elements(student, ".gradient");
    if (session.options().kernels() == Kernels.FUSED) {
      recordFused(student, teacher, gradient);
    } else {
      recordChain(student, teacher, gradient);
    }
    recordSums(gradient);
    return gradient;
  }

  /** Records the sums of the epoch, beside the backward pass: only the optimizer waits for them. */
  private void recordSums(CudaTensor gradient) {
    recording.reads(Branch.SIDE, gradient);
    recording.kernel(
        Branch.SIDE,
        "row sums",
        session
            .prepare(ReductionKernels.ROW_SUMS, KernelSizes.of("rows", recording.batch()))
            .bind("distillation", distillation)
            .bind("crossEntropy", crossEntropy)
            .bind("outcome", outcome)
            .bind("state", state.numbers())
            .bind("alpha", spec.alpha()));
  }

  private static int classes(CudaTensor logits) {
    return logits.shape().extent(1);
  }

  private KernelSizes matrix(CudaTensor logits) {
    return KernelSizes.of("rows", recording.batch(), "classes", classes(logits));
  }

  private static KernelSizes flat(CudaTensor logits) {
    return KernelSizes.of("n", logits.shape().elements());
  }

  private CudaTensor elements(CudaTensor logits, String suffix) {
    return recording.tensor(logits.name() + suffix, Shape.of(classes(logits)));
  }

  private KernelLaunch byRow(List<KernelSignature> kernels, CudaTensor logits) {
    KernelSizes sizes = matrix(logits);
    return session.prepare(KernelCatalog.select(kernels, sizes), sizes);
  }

  private void launch(String name, KernelLaunch launch, Object... outputs) {
    recording.kernel(Branch.MAIN, name, launch, outputs);
  }

  private KernelLaunch labelledRows(KernelLaunch launch) {
    return launch.bind("labelledRows", batch.state().numbers(), StateLayout.BATCH_LABELLED_ROWS);
  }

  private void recordFused(CudaTensor student, CudaTensor teacher, CudaTensor gradient) {
    KernelLaunch loss =
        labelledRows(byRow(DistillationLossFusedKernels.SELECTED, student))
            .bind("z", student.span())
            .bind("labels", batch.labels())
            .bind("distillation", distillation)
            .bind("crossEntropy", crossEntropy)
            .bind("outcome", outcome)
            .bind("dz", gradient.span())
            .bind("temperature", spec.temperature())
            .bind("alpha", spec.alpha());
    launch(
        "distillation loss",
        teacher == null ? loss.bindNull("v") : loss.bind("v", teacher.span()),
        gradient);
  }

  private void recordChain(CudaTensor student, CudaTensor teacher, CudaTensor gradient) {
    boolean hard = spec.alpha() < 1;
    SoftTerm soft = teacher == null ? null : recordDistillation(student, teacher);
    DeviceSpan logSumExp = hard ? recordCrossEntropy(student) : null;
    if (!hard) {
      recordOutcome(student);
    }
    boolean both = hard && soft != null;
    CudaTensor ofDistillation = both ? elements(student, ".distillationGradient") : gradient;
    CudaTensor ofCrossEntropy = both ? elements(student, ".crossEntropyGradient") : gradient;
    if (soft != null) {
      recordDistillationGradient(soft, ofDistillation);
      recordTeacherCheck(teacher);
    }
    if (hard) {
      recordCrossEntropyGradient(student, logSumExp, ofCrossEntropy);
    }
    if (both) {
      launch(
          "dz",
          session
              .prepare(DistillationLossUnfusedKernels.ADD, flat(student))
              .bind("a", ofDistillation.span())
              .bind("b", ofCrossEntropy.span())
              .bind("y", gradient.span()),
          gradient);
    }
  }

  /** Records T^2*KL. */
  private SoftTerm recordDistillation(CudaTensor student, CudaTensor teacher) {
    SoftTerm soft = new SoftTerm(elements(student, ".q"), elements(student, ".logP"));
    launch(
        "q = softmax(v/T)",
        byRow(TemperatureSoftmaxKernels.SOFTMAX, student)
            .bind("x", teacher.span())
            .bind("y", soft.q().span())
            .bind("temperature", spec.temperature()));
    launch(
        "log p = log_softmax(z/T)",
        byRow(TemperatureSoftmaxKernels.LOG_SOFTMAX, student)
            .bind("x", student.span())
            .bind("y", soft.logP().span())
            .bind("temperature", spec.temperature()));
    launch(
        "T^2*KL",
        byRow(DistillationLossUnfusedKernels.KL_FORWARD, student)
            .bind("q", soft.q().span())
            .bind("logP", soft.logP().span())
            .bind("distillation", distillation)
            .bind("temperature", spec.temperature()));
    return soft;
  }

  /** Records the cross-entropy and returns the log-sum-exp of each row. */
  private DeviceSpan recordCrossEntropy(CudaTensor student) {
    DeviceSpan logSumExp = session.floats("loss.logSumExp", recording.batch());
    launch(
        "CE",
        byRow(DistillationLossUnfusedKernels.CROSS_ENTROPY_FORWARD, student)
            .bind("z", student.span())
            .bind("labels", batch.labels())
            .bind("crossEntropy", crossEntropy)
            .bind("logSumExp", logSumExp)
            .bind("outcome", outcome));
    return logSumExp;
  }

  private void recordOutcome(CudaTensor student) {
    launch(
        "outcome",
        byRow(DistillationLossUnfusedKernels.ROW_OUTCOME, student)
            .bind("z", student.span())
            .bind("labels", batch.labels())
            .bind("outcome", outcome));
  }

  /**
   * A logit of -inf has a probability of 0, in which the formulas lose it. Tensors are padded with
   * zeros to the multiple of 4 elements that the check takes.
   */
  private void recordTeacherCheck(CudaTensor teacher) {
    int padded = Math.ceilDiv(teacher.shape().elements(), 4) * 4;
    launch(
        "finite check of the teacher",
        session
            .prepare(ReductionKernels.FINITE_CHECK, KernelSizes.of("n", padded))
            .bind("a", teacher.span())
            .bind("b", teacher.span())
            .bind("state", state.numbers()));
  }

  private void recordDistillationGradient(SoftTerm soft, CudaTensor gradient) {
    double t = spec.temperature();
    DeviceSpan ofLogP = elements(gradient, ".ofLogP").span();
    launch(
        "d log p",
        session
            .prepare(DistillationLossUnfusedKernels.SCALE, flat(gradient))
            .bind("a", soft.q().span())
            .bind("factor", -spec.alpha() * t * t / recording.batch())
            .bind("y", ofLogP));
    launch(
        "dz of T^2*KL",
        byRow(TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD, gradient)
            .bind("dy", ofLogP)
            .bind("y", soft.logP().span())
            .bind("dx", gradient.span())
            .bind("temperature", t),
        gradient);
  }

  private void recordCrossEntropyGradient(
      CudaTensor student, DeviceSpan logSumExp, CudaTensor gradient) {
    launch(
        "dz of CE",
        labelledRows(
                session.prepare(
                    DistillationLossUnfusedKernels.CROSS_ENTROPY_BACKWARD, matrix(student)))
            .bind("z", student.span())
            .bind("logSumExp", logSumExp)
            .bind("labels", batch.labels())
            .bind("dz", gradient.span())
            .bind("alpha", spec.alpha()),
        gradient);
  }
}
