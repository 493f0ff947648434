package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.host.HostStepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Binds each operation to its memory and appends it. */
final class OnednnRecorder implements StepRecorder {
  private final OnednnContext context;
  private final Recording recording;
  private final List<HostStepState> gathered = new ArrayList<>();
  private boolean built;

  OnednnRecorder(OnednnContext context, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch " + batch);
    }
    this.context = context;
    recording = new Recording(context, batch);
  }

  private void check() {
    context.check();
    if (built) {
      throw new IllegalStateException("the step is built");
    }
  }

  private int batch() {
    return recording.batch();
  }

  @Override
  public Batch gather(ResidentDataset data, StepState state, LogitsTable teacherCache) {
    check();
    OnednnDataset dataset = (OnednnDataset) data;
    HostStepState hostState = (HostStepState) state;
    OnednnLogitsTable table = (OnednnLogitsTable) teacherCache;
    if (table != null && table.rows() < dataset.size()) {
      throw new IllegalArgumentException(
          "%d rows of logits for %d images".formatted(table.rows(), dataset.size()));
    }
    OnednnTensor cached =
        table == null
            ? null
            : recording.plainTensor("batch.teacherLogits", Shape.of(table.classes()));
    OnednnBatch batch =
        new OnednnBatch(
            dataset,
            recording.plainTensor("batch.images", dataset.imageShape()),
            cached,
            new int[batch()],
            new int[batch()]);
    recording.add(new GatherOperation(context.team(), batch, hostState, table));
    gathered.add(hostState);
    return batch;
  }

  @Override
  public LayerPass forward(
      LayerSpec layer, ParameterArena parameters, Tensor input, boolean training) {
    check();
    OnednnTensor source = tensor(input, layer.inputShape());
    return new ForwardRecorder(recording)
        .record(layer, (OnednnParameterArena) parameters, source, training);
  }

  @Override
  public Tensor backward(LayerPass pass, Tensor outputGradient, boolean wantInputGradient) {
    check();
    OnednnPass forward = (OnednnPass) pass;
    if (!forward.training() || !forward.parameters().isTrainable()) {
      throw new IllegalArgumentException(
          "the forward pass of " + pass.layer().name() + " was not recorded for training");
    }
    OnednnTensor gradient = tensor(outputGradient, pass.layer().outputShape());
    return new BackwardRecorder(recording, forward).record(gradient, wantInputGradient);
  }

  @Override
  public Tensor loss(
      LossSpec spec, Tensor logits, Tensor teacherLogits, Batch batch, StepState state) {
    check();
    Shape row = Shape.of(logits.shape().extent(1));
    OnednnBatch rows = (OnednnBatch) batch;
    if (rows.data().largestLabel() >= row.elements()) {
      throw new IllegalArgumentException(
          "label %d, but %d classes".formatted(rows.data().largestLabel(), row.elements()));
    }
    OnednnTensor student = plain(logits, row);
    OnednnTensor teacher = spec.readsTeacher() ? plain(teacherLogits, row) : null;
    OnednnTensor gradient = recording.plainTensor(logits.name() + ".gradient", row);
    recording.add(
        new LossOperation(spec, student, teacher, gradient, rows.labels(), (HostStepState) state));
    return gradient;
  }

  @Override
  public void store(Tensor logits, Batch batch, LogitsTable table) {
    check();
    OnednnBatch rows = (OnednnBatch) batch;
    OnednnTensor source = plain(logits, Shape.of(table.classes()));
    recording.add(new StoreOperation(source, rows.ids(), (OnednnLogitsTable) table));
  }

  @Override
  public void adam(AdamSpec spec, ParameterArena parameters, StepState state) {
    check();
    OnednnParameterArena arena = (OnednnParameterArena) parameters;
    if (!arena.isTrainable()) {
      throw new IllegalArgumentException("the parameters are not trainable");
    }
    recording.add(new AdamOperation(context.team(), spec, arena, (HostStepState) state));
  }

  @Override
  public void advance(StepState state) {
    check();
    recording.add(new AdvanceOperation((HostStepState) state, batch()));
  }

  @Override
  public StepProgram build() {
    check();
    built = true;
    return new OnednnProgram(context, batch(), recording.operations(), gathered);
  }

  /** Returns the tensor in row-major order. */
  private OnednnTensor plain(Tensor tensor, Shape row) {
    OnednnTensor any = tensor(tensor, row);
    return recording.reorder(any, any.plainDescriptor());
  }

  private OnednnTensor tensor(Tensor tensor, Shape row) {
    if (!tensor.shape().equals(row.withBatch(batch()))) {
      throw new IllegalArgumentException(
          "%s is %s, wanted %s".formatted(tensor.name(), tensor.shape(), row.withBatch(batch())));
    }
    return (OnednnTensor) tensor;
  }
}
