package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceMemory;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The memory that the models of a run need, computed before one of them is created. It is a sum,
 * since nothing of a model is freed before the run ends; but each lane has one workspace for all
 * steps.
 */
final class RunMemory {
  /**
   * The share of the free memory that a suggested batch may fill: other programs need some, too.
   */
  private static final double SUGGESTED_SHARE = 0.8;

  private final List<PlannedModel> models;
  private final Layers layers;
  private final MathMode math;

  RunMemory(List<PlannedModel> models, Layers layers, MathMode math) {
    this.models = models;
    this.layers = layers;
    this.math = math;
  }

  /**
   * Throws unless there is room; see {@link Backend#requireRoom}. Asks twice, as the libraries take
   * memory of their own when they are opened. Gives the lanes the largest workspace of the run: one
   * that grew from step to step would leave the smaller ones behind. Where that leaves no room to
   * measure algorithms in, none is measured.
   */
  void requireRoom(CudaSession session, int batch, Consumer<String> note) {
    requireFree(session, batch);
    session.openLibraries();
    requireFree(session, batch);
    long free = session.context().memory().freeBytes();
    long measured = total(session) + Branch.values().length * ConvolutionPlan.MEASURED_WORKSPACE;
    if (session.measures() && measured > free) {
      session.measureNothing();
      note.accept(
          "algorithms are chosen by rule: to measure them takes %s, %s are free"
              .formatted(DeviceMemory.mebibytes(measured), DeviceMemory.mebibytes(free)));
    }
    for (Branch branch : Branch.values()) {
      session.lane(branch).reserve(workspaceBytes());
    }
  }

  private void requireFree(CudaSession session, int batch) {
    DeviceMemory memory = session.context().memory();
    long total = total(session);
    long free = memory.freeBytes();
    if (total > free) {
      throw new DistillException(
          ExitCode.DEVICE_MEMORY,
          "GPU memory: this run needs %s more (%s, workspaces %s), %s; %s"
              .formatted(
                  DeviceMemory.mebibytes(total),
                  models.stream()
                      .sorted(Comparator.comparingLong(this::bytes).reversed())
                      .map(model -> model.name() + " " + DeviceMemory.mebibytes(bytes(model)))
                      .collect(Collectors.joining(", ")),
                  DeviceMemory.mebibytes(bytesOfLanes(session)),
                  memory.account(),
                  advice(session, free, batch)));
    }
  }

  private String advice(CudaSession session, long free, int batch) {
    if (batch == Backend.FIXED_BATCH) {
      return "free some of it";
    }
    int fits = 0;
    int tooLarge = batch;
    while (tooLarge - fits > 1) {
      int rows = (fits + tooLarge) / 2;
      if (ofBatch(rows).total(session) <= SUGGESTED_SHARE * free) {
        fits = rows;
      } else {
        tooLarge = rows;
      }
    }
    return fits == 0
        ? "not even steps of one image fit; use another GPU or --device cpu"
        : "--batch-size " + fits + " fits";
  }

  private RunMemory ofBatch(int rows) {
    return new RunMemory(models.stream().map(model -> model.ofBatch(rows)).toList(), layers, math);
  }

  private long total(CudaSession session) {
    return models.stream().mapToLong(this::bytes).sum() + bytesOfLanes(session);
  }

  private long bytes(PlannedModel model) {
    return CudaParameterArena.bytes(model.layers(), model.trainable(), CudaSession.operands(math))
        + bytesOfSteps(step(model, model.trainable()), model.batchedSteps())
        + bytesOfSteps(step(model, false), model.otherSteps());
  }

  private static long bytesOfSteps(StepMemory step, List<Integer> rows) {
    return rows.stream().mapToLong(step::bytes).sum();
  }

  /** What the lanes have yet to allocate: their workspaces, and those that cuBLAS has besides. */
  private long bytesOfLanes(CudaSession session) {
    return Stream.of(Branch.values())
        .mapToLong(branch -> session.lane(branch).missingBytes(workspaceBytes()))
        .sum();
  }

  /** The largest workspace of a lane: a fixed part, and one that grows with the rows of a step. */
  private long workspaceBytes() {
    return ComputeLane.WORKSPACE_BYTES
        + models.stream()
            .mapToLong(
                model ->
                    model.largestStep() * step(model, model.trainable()).workspaceBytesOfARow())
            .max()
            .orElse(0);
  }

  private StepMemory step(PlannedModel model, boolean trainable) {
    return new StepMemory(model.layers(), layers, trainable, math);
  }
}
