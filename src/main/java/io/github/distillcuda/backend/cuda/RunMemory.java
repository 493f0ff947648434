package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.DeviceMemory;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What the models of a run take, known before one of them is created. Nothing of a model is freed
 * before the run ends, so that this is a sum.
 */
final class RunMemory {
  /** Of what is free, what a suggested batch may fill: partial sums want some too. */
  private static final double SUGGESTED_SHARE = 0.8;

  private final List<PlannedModel> models;
  private final Layers layers;
  private final MathMode math;

  RunMemory(List<PlannedModel> models, Layers layers, MathMode math) {
    this.models = models;
    this.layers = layers;
    this.math = math;
  }

  /** Throws unless there is room; see {@link Backend#requireRoom}. */
  void requireRoom(CudaContext context, int batch) {
    long needed = models.stream().mapToLong(this::bytes).sum();
    DeviceMemory memory = context.memory();
    if (needed <= memory.freeBytes()) {
      return;
    }
    throw new DistillException(
        ExitCode.DEVICE_MEMORY,
        "GPU memory: this run needs %s more (%s), %s; %s"
            .formatted(
                DeviceMemory.mebibytes(needed),
                models.stream()
                    .sorted(Comparator.comparingLong(this::bytes).reversed())
                    .map(model -> model.name() + " " + DeviceMemory.mebibytes(bytes(model)))
                    .collect(Collectors.joining(", ")),
                memory.account(),
                advice(memory.freeBytes(), batch)));
  }

  private String advice(long free, int batch) {
    if (batch == Backend.FIXED_BATCH) {
      return "free some of it";
    }
    long fixed = models.stream().mapToLong(this::fixedBytes).sum();
    long ofARow = models.stream().mapToLong(this::bytesOfABatchedRow).sum();
    double forSteps =
        SUGGESTED_SHARE * free - fixed - Branch.values().length * (double) ComputeLane.OWN_BYTES;
    // The last step of an epoch is a step of its own, and nearly as large at worst.
    long rows = (long) (forSteps / (2.0 * ofARow));
    return rows < 1
        ? "not even steps of one image fit"
        : "--batch-size " + Math.min(rows, batch - 1) + " fits";
  }

  private long bytes(PlannedModel model) {
    return fixedBytes(model)
        + model.batchedRows()
            * new StepMemory(model.layers(), layers, model.trainable(), math).bytesOfARow();
  }

  private long fixedBytes(PlannedModel model) {
    return CudaParameterArena.bytes(model.layers(), model.trainable(), CudaSession.operands(math))
        + model.otherRows() * new StepMemory(model.layers(), layers, false, math).bytesOfARow();
  }

  private long bytesOfABatchedRow(PlannedModel model) {
    return model.batchedRows() == 0
        ? 0
        : new StepMemory(model.layers(), layers, model.trainable(), math).bytesOfARow();
  }
}
