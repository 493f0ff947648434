package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Records a step: every operation checks its arguments and allocates its results here, and leaves
 * the work itself to {@link ReferenceProgram}.
 */
final class ReferenceRecorder extends Owned implements StepRecorder {
  private final int batch;
  private final List<Runnable> operations = new ArrayList<>();
  private final List<Owned> made = new ArrayList<>();
  private boolean built;

  ReferenceRecorder(Lifetime lifetime, int batch) {
    super(lifetime);
    if (batch < 1) {
      throw new IllegalArgumentException("a batch of " + batch + " rows");
    }
    this.batch = batch;
  }

  @Override
  public Batch gather(ResidentDataset data, StepState state, LogitsTable teacherCache) {
    checkRecording();
    ReferenceDataset ownData = own(ReferenceDataset.class, data, "the data set");
    ReferenceBatch gathered =
        new ReferenceBatch(
            batch,
            ownData,
            own(state),
            teacherCache == null ? null : own(teacherCache).forImagesOf(ownData));
    made.add(gathered);
    operations.add(gathered::gather);
    return gathered;
  }

  @Override
  public LayerPass forward(
      LayerSpec layer, ParameterArena parameters, Tensor input, boolean training) {
    checkRecording();
    ReferenceArena arena = own(parameters);
    if (training && !arena.trainable()) {
      throw new IllegalArgumentException(
          "layer " + layer.name() + " cannot train: its arena was created without gradients");
    }
    LayerParameters views = arena.of(layer);
    ReferenceTensor x = own(input).withShape(layer.inputShape().withBatch(batch));
    ReferencePass pass =
        switch (layer) {
          case ConvolutionSpec spec -> new ConvolutionPass(spec, views, x, training);
          case LinearSpec spec -> new LinearPass(spec, views, x, training);
        };
    made.add(pass);
    operations.add(pass::forward);
    return pass;
  }

  @Override
  public Tensor backward(LayerPass pass, Tensor outputGradient, boolean wantInputGradient) {
    checkRecording();
    ReferencePass forward = madeHere(ReferencePass.class, pass, "the forward pass");
    if (!forward.training()) {
      throw new IllegalArgumentException(
          "the forward pass of layer " + pass.layer().name() + " was not recorded for training");
    }
    ReferenceTensor dy = own(outputGradient).withShape(forward.output().shape());
    ReferenceTensor dx =
        wantInputGradient
            ? new ReferenceTensor(
                lifetime(), pass.layer().name() + ".inputGradient", forward.input.shape())
            : null;
    operations.add(() -> forward.backward(dy, dx));
    return dx;
  }

  @Override
  public Tensor loss(
      LossSpec spec, Tensor logits, Tensor teacherLogits, Batch batch, StepState state) {
    checkRecording();
    ReferenceBatch rows = madeHere(ReferenceBatch.class, batch, "the batch");
    ReferenceState sums = own(state);
    ReferenceTensor z = checkLogits(logits);
    int classes = z.shape().extent(1);
    if (rows.data().largestLabel() >= classes) {
      throw new IllegalArgumentException(
          "label %d where there are %d classes".formatted(rows.data().largestLabel(), classes));
    }
    ReferenceTensor v = spec.readsTeacher() ? own(teacherLogits).withShape(z.shape()) : null;
    BatchLoss loss = new BatchLoss(spec.temperature(), spec.alpha(), z, v);
    operations.add(() -> loss.run(rows, sums));
    return loss.gradLogits();
  }

  @Override
  public void store(Tensor logits, Batch batch, LogitsTable table) {
    checkRecording();
    ReferenceBatch rows = madeHere(ReferenceBatch.class, batch, "the batch");
    ReferenceLogitsTable destination = own(table).forImagesOf(rows.data());
    ReferenceTensor z = own(logits).withShape(Shape.of(this.batch, table.classes()));
    operations.add(() -> store(z, rows, destination));
  }

  @Override
  public void adam(AdamSpec spec, ParameterArena parameters, StepState state) {
    checkRecording();
    ReferenceArena arena = own(parameters);
    if (!arena.trainable()) {
      throw new IllegalArgumentException("the arena was created without gradients");
    }
    operations.add(new AdamStep(spec, arena, own(state))::run);
  }

  @Override
  public void advance(StepState state) {
    checkRecording();
    ReferenceState position = own(state);
    operations.add(() -> position.advance(batch));
  }

  @Override
  public StepProgram build() {
    checkRecording();
    built = true;
    return new ReferenceProgram(lifetime(), operations);
  }

  private static void store(
      ReferenceTensor logits, ReferenceBatch batch, ReferenceLogitsTable table) {
    int classes = table.classes();
    for (int n = 0; n < logits.shape().extent(0); n++) {
      for (int c = 0; c < classes; c++) {
        table.set(batch.imageId(n), c, logits.get(n * classes + c));
      }
    }
  }

  private ReferenceTensor checkLogits(Tensor logits) {
    ReferenceTensor own = own(logits);
    if (own.shape().rank() != 2 || own.shape().extent(1) < 1) {
      throw new IllegalArgumentException(own + " is not logits, [" + batch + ", classes]");
    }
    return own.withShape(Shape.of(batch, own.shape().extent(1)));
  }

  private void checkRecording() {
    lifetime().check();
    if (built) {
      throw new IllegalStateException("the step is built; record another");
    }
  }

  /** Returns what an earlier call of this recorder returned, as its implementation. */
  private <T extends Owned> T madeHere(Class<T> type, Object object, String what) {
    T own = own(type, object, what);
    if (!made.contains(own)) {
      throw new IllegalArgumentException(what + " was recorded in another step");
    }
    return own;
  }

  private ReferenceTensor own(Tensor tensor) {
    String what = tensor == null ? "a tensor (null)" : "tensor " + tensor.name();
    return own(ReferenceTensor.class, tensor, what);
  }

  private ReferenceArena own(ParameterArena arena) {
    return own(ReferenceArena.class, arena, "the arena");
  }

  private ReferenceState own(StepState state) {
    return own(ReferenceState.class, state, "the state");
  }

  private ReferenceLogitsTable own(LogitsTable table) {
    return own(ReferenceLogitsTable.class, table, "the logits table");
  }
}
