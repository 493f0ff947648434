package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Layers forward and backward on small integers, which float32 must add exactly in any order: every
 * comparison is for equality, ties of the max-pool included.
 */
class OnednnLayersTest {
  /** The largest integer up to which float32 has all of them. */
  private static final double EXACT = 1 << 24;

  private final OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true));
  private final NaiveLayers naive = new NaiveLayers();
  private final Random random = new Random(5);

  @AfterEach
  void close() {
    backend.close();
  }

  static Stream<Arguments> networks() {
    return Stream.of(
        Arguments.of("odd widths, planned for the batch", odd(), 3, 3),
        Arguments.of("odd widths, planned for another batch", odd(), 64, 5),
        Arguments.of("one image", odd(), 64, 1),
        Arguments.of("wide and narrow", narrow(), 64, 16),
        Arguments.of("student", OnednnNetworks.student(), 64, 2),
        Arguments.of("student, planned for the batch", OnednnNetworks.student(), 2, 2),
        Arguments.of("teacher", OnednnNetworks.teacher(), 64, 2));
  }

  private static List<LayerSpec> odd() {
    return List.of(
        new ConvolutionSpec("conv1", 3, 8, 12, 5),
        new ConvolutionSpec("conv2", 5, 4, 6, 7),
        new LinearSpec("fc1", Shape.of(7, 2, 3), 11, true),
        new LinearSpec("fc2", Shape.of(11), 3, false));
  }

  private static List<LayerSpec> narrow() {
    return List.of(
        new ConvolutionSpec("conv1", 1, 4, 4, 17),
        new ConvolutionSpec("conv2", 17, 2, 2, 1),
        new LinearSpec("fc1", Shape.of(1, 1, 1), 33, true),
        new LinearSpec("fc2", Shape.of(33), 1, false));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("networks")
  void givesTheIntegersOfTheDefinition(
      String name, List<LayerSpec> layers, int plannedBatch, int batch) {
    ParameterArena parameters = backend.createParameters(layers, plannedBatch, true);
    List<double[]> values = new ArrayList<>();
    parameters.values().forEach(value -> values.add(read(integers(value, 1))));
    Shape input = layers.getFirst().inputShape().withBatch(batch);
    Tensor images = integers(backend.createTensor("images", input), 2);
    Shape output = layers.getLast().outputShape().withBatch(batch);
    Tensor outputGradient = integers(backend.createTensor("gradient", output), 2);
    double[] givenGradient = read(outputGradient);

    StepRecorder recorder = backend.record(batch);
    List<LayerPass> passes = new ArrayList<>();
    Tensor x = images;
    for (LayerSpec layer : layers) {
      passes.add(recorder.forward(layer, parameters, x, true));
      x = passes.getLast().output();
    }
    Tensor gradient = outputGradient;
    for (LayerPass pass : passes.reversed()) {
      gradient = recorder.backward(pass, gradient, true);
    }
    StepProgram program = recorder.build();
    for (int run = 0; run < 2; run++) { // the second run must see nothing of the first
      outputGradient.write(givenGradient);
      program.run(1);
      List<NaiveLayers.Forward> forward = checkForward(passes, values, read(images), batch);
      double[] imageGradient =
          checkBackward(layers, parameters, values, forward, givenGradient, batch);
      assertThat(read(gradient)).isEqualTo(imageGradient);
    }
    assertThat(naive.largestSum()).isLessThan(EXACT);
  }

  private List<NaiveLayers.Forward> checkForward(
      List<LayerPass> passes, List<double[]> values, double[] images, int batch) {
    List<NaiveLayers.Forward> forward = new ArrayList<>();
    double[] x = images;
    for (int i = 0; i < passes.size(); i++) {
      LayerSpec layer = passes.get(i).layer();
      forward.add(naive.forward(layer, batch, x, values.get(2 * i), values.get(2 * i + 1)));
      x = forward.getLast().output();
      assertThat(read(passes.get(i).output())).as(layer.name()).isEqualTo(x);
    }
    return forward;
  }

  /**
   * Checks the gradients of all parameters and returns that of the images. Those between the layers
   * may be overwritten by the layer below, and show in its gradients.
   */
  private double[] checkBackward(
      List<LayerSpec> layers,
      ParameterArena parameters,
      List<double[]> values,
      List<NaiveLayers.Forward> forward,
      double[] outputGradient,
      int batch) {
    double[] gradient = outputGradient;
    for (int i = layers.size() - 1; i >= 0; i--) {
      LayerSpec layer = layers.get(i);
      NaiveLayers.Backward expected =
          naive.backward(layer, batch, forward.get(i), values.get(2 * i), gradient);
      List<Tensor> gradients = parameters.gradients();
      assertThat(read(gradients.get(2 * i))).as(layer.name()).isEqualTo(expected.weight());
      assertThat(read(gradients.get(2 * i + 1))).as(layer.name()).isEqualTo(expected.bias());
      gradient = expected.input();
    }
    return gradient;
  }

  /** Fills a tensor with integers of up to the given size. */
  private Tensor integers(Tensor tensor, int size) {
    double[] values = new double[tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(2 * size + 1) - size;
    }
    tensor.write(values);
    return tensor;
  }

  private static double[] read(Tensor tensor) {
    double[] values = new double[tensor.shape().elements()];
    tensor.read(values);
    for (int i = 0; i < values.length; i++) {
      values[i] += 0.0; // no negative zeros, which compare as different from zeros
    }
    return values;
  }
}
