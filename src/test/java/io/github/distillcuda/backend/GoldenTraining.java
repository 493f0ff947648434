package io.github.distillcuda.backend;

import com.google.gson.JsonObject;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The distillation that {@code golden_training.py} runs in PyTorch, on one backend: 200 images in
 * batches of 16 with a tail of 8, from fixed weights. Two programs, one for each batch size, share
 * parameters and state.
 */
final class GoldenTraining {
  /** Where the teacher's logits come from. */
  enum Teacher {
    RECOMPUTED,
    CACHED
  }

  private static final JsonObject SPEC = Golden.section("training");
  private static final JsonObject SEEDS = SPEC.getAsJsonObject("seeds");
  static final int IMAGES = SPEC.get("images").getAsInt();
  static final int CLASSES = SPEC.get("classes").getAsInt();
  static final int BATCH = SPEC.get("batch").getAsInt();
  static final int TAIL = IMAGES % BATCH;

  /** Steps of an epoch, its tail included. */
  static final int EPOCH = IMAGES / BATCH + 1;

  static final int STEPS = SPEC.get("steps").getAsInt();
  static final AdamSpec ADAM = AdamSpec.withLearningRate(SPEC.get("learningRate").getAsDouble());
  static final LossSpec LOSS =
      new LossSpec(SPEC.get("temperature").getAsDouble(), SPEC.get("alpha").getAsDouble());

  /**
   * Means of one step.
   *
   * @param distillation T^2*KL
   * @param crossEntropy cross-entropy
   * @param loss the loss
   */
  record Losses(double distillation, double crossEntropy, double loss) {}

  private final Backend backend;
  private final LossSpec loss;
  private final Teacher source;
  private final ResidentDataset data;
  private final StepState state;
  private final ParameterArena teacher;
  private final ParameterArena student;
  private final LogitsTable teacherCache;
  private final StepProgram full;
  private final StepProgram tail;
  private int steps;

  /** The golden training, at its first step. */
  GoldenTraining(Backend backend, Teacher source) {
    this(backend, source, LOSS);
  }

  /** The same with another loss. */
  GoldenTraining(Backend backend, Teacher source, LossSpec loss) {
    this.backend = backend;
    this.loss = loss;
    this.source = source;
    data =
        backend.upload(
            Shape.of(3, 32, 32),
            GoldenHash.images(seed("images"), IMAGES),
            GoldenHash.labels(seed("labels"), IMAGES, CLASSES));
    state = backend.createState();
    teacher = network("teacher", false, SPEC.get("teacherGain").getAsFloat());
    student = network("student", true, 1);
    teacherCache = backend.createLogitsTable(IMAGES, CLASSES);
    if (source == Teacher.CACHED) {
      fillTeacherCache();
    }
    full = record(BATCH);
    tail = record(TAIL);
    state.beginEpoch(order(0));
  }

  /** Takes the next step and returns its losses. */
  Losses step() {
    int rows = rows(steps);
    StepProgress before = begin();
    StepProgress after = run(1);
    return new Losses(
        (after.distillationSum() - before.distillationSum()) / rows,
        (after.crossEntropySum() - before.crossEntropySum()) / rows,
        (after.lossSum() - before.lossSum()) / rows);
  }

  /** Takes steps that all lie in the present epoch, as few calls as possible. */
  StepProgress run(int count) {
    begin();
    for (int left = count; left > 0; ) {
      int position = steps % EPOCH;
      int together = position == EPOCH - 1 ? 1 : Math.min(left, EPOCH - 1 - position);
      (position == EPOCH - 1 ? tail : full).run(together);
      steps += together;
      left -= together;
    }
    return state.read();
  }

  /** Begins an epoch if the one before has ended. */
  private StepProgress begin() {
    if (steps % EPOCH == 0 && steps > 0) {
      state.beginEpoch(order(steps / EPOCH));
    }
    return state.read();
  }

  /**
   * Goes to a state that PyTorch was in, rounded to float32.
   *
   * @param step the step that comes next, one of the snapshots of the golden files
   */
  void load(int step) {
    String snapshot = "snapshot." + step + ".";
    Numbers.write(Golden.doubles(snapshot + "parameters"), student.values());
    Numbers.write(Golden.doubles(snapshot + "firstMoments"), student.firstMoments());
    Numbers.write(Golden.doubles(snapshot + "secondMoments"), student.secondMoments());
    steps = step - 1;
    state.beginEpoch(order(steps / EPOCH));
    state.restore(new StepProgress(steps % EPOCH * BATCH, steps, 0, 0, 0, 0, 0, 0));
  }

  /** Continues where another training, on any backend, stands. */
  void resume(GoldenTraining other) {
    Numbers.write(Numbers.of(other.student.values()), student.values());
    Numbers.write(Numbers.of(other.student.firstMoments()), student.firstMoments());
    Numbers.write(Numbers.of(other.student.secondMoments()), student.secondMoments());
    steps = other.steps;
    state.beginEpoch(order(steps / EPOCH));
    state.restore(other.state.read());
  }

  ParameterArena student() {
    return student;
  }

  /** Returns the student's parameters one after the other. */
  double[] parameters() {
    return Numbers.of(student.values());
  }

  StepState state() {
    return state;
  }

  LogitsTable teacherCache() {
    return teacherCache;
  }

  /** Returns the ids of the images of an epoch, counted from 0. */
  static int[] order(int epoch) {
    return GoldenHash.order(seed("order") + epoch, IMAGES);
  }

  private static int rows(int step) {
    return step % EPOCH == EPOCH - 1 ? TAIL : BATCH;
  }

  private static long seed(String name) {
    return SEEDS.get(name).getAsLong();
  }

  private StepProgram record(int rows) {
    StepRecorder recorder = backend.record(rows);
    boolean cached = source == Teacher.CACHED;
    Batch batch = recorder.gather(data, state, cached ? teacherCache : null);
    Tensor teacherLogits =
        cached
            ? batch.teacherLogits()
            : forward(recorder, teacher, batch.images(), false).getLast().output();
    List<LayerPass> passes = forward(recorder, student, batch.images(), true);
    Tensor gradient = recorder.loss(loss, passes.getLast().output(), teacherLogits, batch, state);
    for (LayerPass pass : passes.reversed()) {
      gradient = recorder.backward(pass, gradient, pass != passes.getFirst());
    }
    recorder.adam(ADAM, student, state);
    recorder.advance(state);
    return recorder.build();
  }

  private void fillTeacherCache() {
    for (int rows : new int[] {BATCH, TAIL}) {
      StepRecorder recorder = backend.record(rows);
      Batch batch = recorder.gather(data, state, null);
      Tensor logits = forward(recorder, teacher, batch.images(), false).getLast().output();
      recorder.store(logits, batch, teacherCache);
      recorder.advance(state);
      StepProgram program = recorder.build();
      if (rows == BATCH) {
        state.beginEpoch(order(0));
        program.run(IMAGES / BATCH);
      } else {
        program.run(1);
      }
    }
  }

  private static List<LayerPass> forward(
      StepRecorder recorder, ParameterArena parameters, Tensor images, boolean training) {
    List<LayerPass> passes = new ArrayList<>();
    Tensor input = images;
    for (LayerSpec layer : parameters.layers()) {
      passes.add(recorder.forward(layer, parameters, input, training));
      input = passes.getLast().output();
    }
    return passes;
  }

  /** Allocates a network and writes its first weights, those of the last layer times a gain. */
  private ParameterArena network(String name, boolean trainable, float lastGain) {
    int[] widths = Golden.integers(SPEC.get(name));
    Shape features = Shape.of(widths[1], 8, 8);
    List<LayerSpec> layers =
        List.of(
            new ConvolutionSpec("conv1", 3, 32, 32, widths[0]),
            new ConvolutionSpec("conv2", widths[0], 16, 16, widths[1]),
            new LinearSpec("fc1", features, widths[2], true),
            new LinearSpec("fc2", Shape.of(widths[2]), CLASSES, false));
    ParameterArena arena = backend.createParameters(layers, BATCH, trainable);
    for (int i = 0; i < arena.values().size(); i++) {
      LayerSpec layer = layers.get(i / 2);
      Tensor tensor = arena.values().get(i);
      float[] values = GoldenHash.weights(seed(name) + i, tensor.shape().elements(), layer.fanIn());
      if (layer == layers.getLast()) {
        for (int k = 0; k < values.length; k++) {
          values[k] *= lastGain;
        }
      }
      tensor.write(values);
    }
    return arena;
  }
}
