package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.RecordingRules;
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
  private final RecordingRules rules;
  private final Recording recording;
  private final List<HostStepState> gathered = new ArrayList<>();

  OnednnRecorder(OnednnContext context, int batch) {
    rules = new RecordingRules(batch);
    this.context = context;
    recording = new Recording(context, batch);
  }

  private void check() {
    context.check();
    rules.check();
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
    rules.requireRows(table, dataset);
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
    rules.requireTraining(pass, forward.training() && forward.parameters().isTrainable());
    OnednnTensor gradient = tensor(outputGradient, pass.layer().outputShape());
    return new BackwardRecorder(recording, forward).record(gradient, wantInputGradient);
  }

  @Override
  public Tensor loss(
      LossSpec spec, Tensor logits, Tensor teacherLogits, Batch batch, StepState state) {
    check();
    Shape row = Shape.of(logits.shape().extent(1));
    OnednnBatch rows = (OnednnBatch) batch;
    rules.requireClasses(rows.data().largestLabel(), row.elements());
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
    rules.requireRows(table, rows.data());
    recording.add(new StoreOperation(source, rows.ids(), (OnednnLogitsTable) table));
  }

  @Override
  public void adam(AdamSpec spec, ParameterArena parameters, StepState state) {
    check();
    OnednnParameterArena arena = (OnednnParameterArena) parameters;
    rules.requireTrainable(arena.isTrainable());
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
    rules.end();
    return new OnednnProgram(context, batch(), recording.operations(), gathered);
  }

  /** Returns the tensor in row-major order. */
  private OnednnTensor plain(Tensor tensor, Shape row) {
    OnednnTensor any = tensor(tensor, row);
    return recording.reorder(any, any.plainDescriptor());
  }

  private OnednnTensor tensor(Tensor tensor, Shape row) {
    rules.requireShape(tensor, row);
    return (OnednnTensor) tensor;
  }
}
