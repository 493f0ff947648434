package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.RecordingRules;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.kernels.AdamKernels;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.StateLayout;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Binds each operation to its memory and appends it. A forward pass that is not for training runs
 * in the side branch: a teacher depends on nothing that its student does.
 */
final class CudaRecorder implements StepRecorder {
  /** What a gather counts as classes where nothing says how many there are: all of int8. */
  private static final int MOST_CLASSES = 128;

  private static final List<KernelSignature> FLOAT32_GATHERS =
      List.of(GatherKernels.NCHW_FLOAT32, GatherKernels.NCHW_FLOAT32_V1);

  /** Images of other sizes are rounded after they were gathered. */
  private static final List<KernelSignature> BFLOAT16_GATHERS =
      List.of(GatherKernels.NHWC_BFLOAT16, GatherKernels.NCHW_FLOAT32_V1);

  private final CudaSession session;
  private final RecordingRules rules;
  private final Recording recording;
  private final Map<CudaStepState, CudaDataset> gathered = new IdentityHashMap<>();
  private final List<CudaStepState> trained = new ArrayList<>();
  private final List<CudaStepState> advanced = new ArrayList<>();

  CudaRecorder(CudaSession session, int batch) {
    rules = new RecordingRules(batch);
    this.session = session;
    recording = new Recording(session, batch);
  }

  private void check() {
    session.check();
    rules.check();
  }

  private int batch() {
    return recording.batch();
  }

  @Override
  public Batch gather(ResidentDataset data, StepState state, LogitsTable teacherCache) {
    check();
    CudaDataset dataset = (CudaDataset) data;
    CudaStepState deviceState = (CudaStepState) state;
    CudaLogitsTable table = (CudaLogitsTable) teacherCache;
    rules.requireRows(table, dataset);
    if (batch() > dataset.size()) {
      throw new IllegalArgumentException(
          "a batch of %d from %d images".formatted(batch(), dataset.size()));
    }
    KernelSizes sizes = gatherSizes(dataset, table);
    KernelSignature kernel =
        KernelCatalog.select(
            session.operands() == DType.BFLOAT16 ? BFLOAT16_GATHERS : FLOAT32_GATHERS, sizes);
    CudaBatch batch = batchOf(dataset, deviceState, table, kernel);
    recording.reads(Branch.MAIN, table);
    recording.kernel(
        Branch.MAIN,
        new Work.OfStep("gather"),
        gatherLaunch(session.prepare(kernel, sizes), batch, table),
        batch.images(),
        batch.labels(),
        batch.ids(),
        batch.cachedLogits());
    gathered.put(deviceState, dataset);
    return batch;
  }

  private CudaBatch batchOf(
      CudaDataset dataset, CudaStepState state, CudaLogitsTable table, KernelSignature kernel) {
    Shape image = dataset.imageShape();
    CudaTensor images =
        kernel == GatherKernels.NHWC_BFLOAT16
            ? recording.operandTensor("batch.images", image)
            : recording.tensor("batch.images", image);
    CudaTensor cached =
        table == null ? null : recording.tensor("batch.teacherLogits", Shape.of(table.classes()));
    long bytes = (long) batch() * Integer.BYTES;
    return new CudaBatch(
        dataset,
        state,
        images,
        cached,
        DeviceSpan.of(session.allocate("batch.ids", bytes)),
        DeviceSpan.of(session.allocate("batch.labels", bytes)));
  }

  private KernelSizes gatherSizes(CudaDataset dataset, CudaLogitsTable table) {
    Shape image = dataset.imageShape();
    int channels = image.extent(0);
    return KernelSizes.of(
            "rows", batch(), "classes", table == null ? MOST_CLASSES : table.classes())
        .and("channels", channels)
        .and("pixels", image.elements() / channels);
  }

  private static KernelLaunch gatherLaunch(
      KernelLaunch prepared, CudaBatch batch, CudaLogitsTable table) {
    DeviceBuffer numbers = batch.state().numbers();
    KernelLaunch launch =
        prepared
            .bind("data", batch.data().images())
            .bind("dataLabels", batch.data().labels())
            .bind("order", batch.state().orderFor(batch.data().size()))
            .bind("state", numbers)
            .bind("images", batch.images().span().buffer())
            .bind("labels", batch.labels().buffer())
            .bind("ids", batch.ids().buffer())
            .bind("labelledRows", numbers, StateLayout.BATCH_LABELLED_ROWS);
    return table == null
        ? launch.bindNull("teacherCache").bindNull("teacher")
        : launch
            .bind("teacherCache", table.logits().span().buffer())
            .bind("teacher", batch.cachedLogits().span().buffer());
  }

  @Override
  public LayerPass forward(
      LayerSpec layer, ParameterArena parameters, Tensor input, boolean training) {
    check();
    Branch branch = training ? Branch.MAIN : Branch.SIDE;
    CudaParameterArena arena = (CudaParameterArena) parameters;
    arena.indexOf(layer);
    CudaTensor given = tensor(input, layer.inputShape());
    recording.prepareOperands(branch, arena);
    CudaTensor operand =
        recording.operand(
            branch, new Work.OfStep(given.name() + " rounded"), given, layer.inputShape());
    CudaLayer.Place place = new CudaLayer.Place(recording, branch, layer, arena, operand, training);
    boolean fused = session.options().layers() == Layers.FUSED;
    boolean bfloat16 = session.operands() == DType.BFLOAT16;
    CudaLayer cudaLayer =
        switch (layer) {
          case ConvolutionSpec convolution when !fused ->
              new LibraryConvolution(place, convolution);
          case ConvolutionSpec convolution when bfloat16 ->
              new ChannelsLastConvolution(place, convolution);
          case ConvolutionSpec convolution -> new FusedConvolution(place, convolution);
          case LinearSpec linear when fused && !bfloat16 -> new FusedLinear(place, linear);
          case LinearSpec linear -> new LibraryLinear(place, linear);
        };
    return new CudaPass(place, cudaLayer, cudaLayer.forward());
  }

  @Override
  public Tensor backward(LayerPass pass, Tensor outputGradient, boolean wantInputGradient) {
    check();
    CudaPass forward = (CudaPass) pass;
    rules.requireTraining(pass, forward.place().training());
    Shape row = pass.layer().outputShape();
    CudaTensor gradient =
        recording.operand(
            Branch.MAIN,
            forward.place().work(LayerWork.OUTPUT_GRADIENT_ROUNDED),
            tensor(outputGradient, row),
            row);
    return forward.cudaLayer().backward(forward.output(), gradient, wantInputGradient);
  }

  @Override
  public Tensor loss(
      LossSpec spec, Tensor logits, Tensor teacherLogits, Batch batch, StepState state) {
    check();
    Shape row = Shape.of(logits.shape().extent(1));
    CudaBatch rows = (CudaBatch) batch;
    rules.requireClasses(rows.data().largestLabel(), row.elements());
    CudaTensor student = tensor(logits, row);
    CudaTensor teacher = spec.readsTeacher() ? tensor(teacherLogits, row) : null;
    return new LossRecorder(recording, spec, rows, (CudaStepState) state).record(student, teacher);
  }

  @Override
  public void store(Tensor logits, Batch batch, LogitsTable table) {
    check();
    CudaTensor source = tensor(logits, Shape.of(table.classes()));
    CudaBatch rows = (CudaBatch) batch;
    rules.requireRows(table, rows.data());
    CudaTensor target = ((CudaLogitsTable) table).logits();
    KernelLaunch launch =
        session
            .prepare(
                ReductionKernels.STORE_LOGITS,
                KernelSizes.of("rows", batch(), "classes", table.classes()))
            .bind("logits", source.span().buffer(), source.span().offset())
            .bind("ids", rows.ids().buffer())
            .bind("table", target.span().buffer());
    recording.reads(Branch.MAIN, source);
    recording.kernel(Branch.MAIN, new Work.OfStep("store"), launch, table);
  }

  @Override
  public void adam(AdamSpec spec, ParameterArena parameters, StepState state) {
    check();
    CudaParameterArena arena = (CudaParameterArena) parameters;
    CudaStepState deviceState = (CudaStepState) state;
    rules.requireTrainable(arena.isTrainable());
    recording.join();
    KernelSizes sizes = KernelSizes.of("n", arena.elements());
    DeviceBuffer values = arena.buffers().get(0);
    DeviceBuffer gradients = arena.buffers().get(1);
    recording.kernel(
        Branch.MAIN,
        new Work.OfStep("finite check"),
        session
            .prepare(ReductionKernels.FINITE_CHECK, sizes)
            .bind("a", gradients)
            .bind("b", values)
            .bind("state", deviceState.numbers()));
    recording.kernel(
        Branch.MAIN,
        new Work.OfStep("adam"),
        session
            .prepare(AdamKernels.ADAM, sizes)
            .bind("parameters", values)
            .bind("gradients", gradients)
            .bind("firstMoments", arena.buffers().get(2))
            .bind("secondMoments", arena.buffers().get(3))
            .bind("state", deviceState.numbers())
            .bind("learningRate", spec.learningRate())
            .bind("beta1", spec.beta1())
            .bind("beta2", spec.beta2())
            .bind("epsilon", spec.epsilon()));
    recording.changed(arena);
    trained.add(deviceState);
  }

  @Override
  public void advance(StepState state) {
    check();
    CudaStepState deviceState = (CudaStepState) state;
    recording.join();
    recording.kernel(
        Branch.MAIN,
        new Work.OfStep("advance"),
        session
            .prepare(
                ReductionKernels.ADVANCE,
                KernelSizes.of(
                    "rows", batch(), "optimizerSteps", trained.contains(deviceState) ? 1 : 0))
            .bind("state", deviceState.numbers()));
    advanced.add(deviceState);
  }

  @Override
  public StepProgram build() {
    check();
    recording.join();
    rules.end();
    return new CudaProgram(session, batch(), recording.operations(), gathered, advanced);
  }

  private CudaTensor tensor(Tensor tensor, Shape row) {
    rules.requireShape(tensor, row);
    return (CudaTensor) tensor;
  }
}
