package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
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
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A network of the project's form on 8x8 images, a data set for it, and its recorded steps. */
public final class TinyStep {
  public static final Shape IMAGE = Shape.of(2, 8, 8);
  public static final int CLASSES = 4;

  private TinyStep() {}

  /** Two convolutions and two linear layers, as wide as asked. */
  public static List<LayerSpec> layers(int width) {
    ConvolutionSpec first = new ConvolutionSpec("conv1", 2, 8, 8, width);
    ConvolutionSpec second = new ConvolutionSpec("conv2", width, 4, 4, width + 1);
    LinearSpec third = new LinearSpec("fc1", second.outputShape(), width + 2, true);
    LinearSpec fourth = new LinearSpec("fc2", third.outputShape(), CLASSES, false);
    return List.of(first, second, third, fourth);
  }

  /** Parameters from -bound to bound with the usual bound of each layer. */
  public static ParameterArena parameters(
      Backend backend, int width, boolean trainable, long seed) {
    ParameterArena arena = backend.createParameters(layers(width), 4, trainable);
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < arena.values().size(); i++) {
      double bound = 1 / Math.sqrt(arena.layers().get(i / 2).fanIn());
      Tensor tensor = arena.values().get(i);
      tensor.write(random.doubles(tensor.shape().elements(), -bound, bound).toArray());
    }
    return arena;
  }

  /** Random bytes; the labels count up, and every seventh image has none. */
  public static ResidentDataset data(Backend backend, int images) {
    byte[] pixels = new byte[images * IMAGE.elements()];
    new SplittableRandom(99).nextBytes(pixels);
    byte[] labels = new byte[images];
    for (int i = 0; i < images; i++) {
      labels[i] = (byte) (i % 7 == 6 ? -100 : i % CLASSES);
    }
    return backend.upload(IMAGE, pixels, labels);
  }

  /** Records all layers; the last pass has the logits. */
  static List<LayerPass> forward(
      StepRecorder recorder, ParameterArena arena, Tensor images, boolean training) {
    List<LayerPass> passes = new ArrayList<>();
    Tensor input = images;
    for (LayerSpec layer : arena.layers()) {
      passes.add(recorder.forward(layer, arena, input, training));
      input = passes.getLast().output();
    }
    return passes;
  }

  /** Records a training step with the teacher's logits from the cache, or from the teacher. */
  public static StepProgram train(
      Backend backend,
      int batch,
      ResidentDataset data,
      StepState state,
      ParameterArena student,
      LossSpec loss,
      LogitsTable teacherCache,
      ParameterArena teacher) {
    StepRecorder recorder = backend.record(batch);
    Batch rows = recorder.gather(data, state, teacherCache);
    Tensor teacherLogits = null;
    if (teacherCache != null) {
      teacherLogits = rows.teacherLogits();
    } else if (teacher != null) {
      teacherLogits = forward(recorder, teacher, rows.images(), false).getLast().output();
    }
    List<LayerPass> passes = forward(recorder, student, rows.images(), true);
    Tensor gradient = recorder.loss(loss, passes.getLast().output(), teacherLogits, rows, state);
    for (int i = passes.size() - 1; i >= 0; i--) {
      gradient = recorder.backward(passes.get(i), gradient, i > 0);
    }
    recorder.adam(AdamSpec.withLearningRate(1e-2), student, state);
    recorder.advance(state);
    return recorder.build();
  }

  /** Records the evaluation of a network: loss, accuracy, and its logits stored by image. */
  public static StepProgram evaluate(
      Backend backend,
      int batch,
      ResidentDataset data,
      StepState state,
      ParameterArena network,
      LogitsTable table) {
    StepRecorder recorder = backend.record(batch);
    Batch rows = recorder.gather(data, state, null);
    Tensor logits = forward(recorder, network, rows.images(), false).getLast().output();
    recorder.loss(LossSpec.CROSS_ENTROPY, logits, null, rows, state);
    recorder.store(logits, rows, table);
    recorder.advance(state);
    return recorder.build();
  }

  /** All parameters, or gradients, or moments, one after the other. */
  static double[] flatten(List<Tensor> tensors) {
    return tensors.stream()
        .flatMapToDouble(tensor -> Arrays.stream(RecordedLayer.values(tensor)))
        .toArray();
  }
}
