package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Convolutions for inference with as many channels as Winograd's products are for, against the
 * definition of a convolution in double.
 */
class WinogradConvolutionTest {
  private static final int CHANNELS = 64;

  private final Random random = new Random(11);

  static Stream<Arguments> shapes() {
    return Stream.of(
        Arguments.of("the teacher's second", new ConvolutionSpec("c", 64, 16, 16, 128), 9, 2),
        Arguments.of("one tile", new ConvolutionSpec("c", 64, 2, 2, 64), 1, 1),
        Arguments.of("fewer rows than threads", new ConvolutionSpec("c", 65, 4, 2, 67), 1, 7),
        Arguments.of("a last group of few rows", new ConvolutionSpec("c", 64, 2, 6, 65), 173, 2),
        Arguments.of("groups that cut images", new ConvolutionSpec("c", 70, 34, 34, 64), 3, 4),
        Arguments.of("a row wider than a group", new ConvolutionSpec("c", 64, 2, 600, 64), 1, 2));
  }

  /** Sums of integers are exact, and so are the transforms: halves and quarters of integers. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("shapes")
  void givesTheIntegersOfTheDefinition(String name, ConvolutionSpec layer, int batch, int threads) {
    NaiveLayers naive = new NaiveLayers();
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(threads, true))) {
      for (boolean trainable : new boolean[] {false, true}) {
        Layer recorded = new Layer(backend, layer, batch, trainable);
        for (int run = 0; run < 2; run++) { // the second has other weights
          double[] x = recorded.write(recorded.images, i -> random.nextInt(5) - 2);
          double[] w = recorded.write(recorded.weight(), i -> random.nextInt(3) - 1);
          double[] b = recorded.write(recorded.bias(), i -> random.nextInt(9) - 4);
          double[] expected = naive.forward(layer, batch, x, w, b).output();
          assertThat(recorded.run()).isEqualTo(expected);
        }
      }
    }
    // The products are of four times the input and twice the filter at most.
    assertThat(8 * naive.largestSum()).isLessThan(1 << 24);
  }

  /** The programs of a full and of a last batch, as an epoch has them, read the same parameters. */
  @Test
  void twoProgramsFollowTheWeightsThatTheyShare() {
    ConvolutionSpec layer = new ConvolutionSpec("c", CHANNELS, 4, 4, CHANNELS);
    NaiveLayers naive = new NaiveLayers();
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true))) {
      ParameterArena parameters = backend.createParameters(List.of(layer), 8, false);
      List<Layer> programs =
          List.of(
              new Layer(backend, layer, 8, parameters), new Layer(backend, layer, 3, parameters));
      double[] b = programs.get(0).write(parameters.values().get(1), i -> i % 3);
      for (int run = 0; run < 3; run++) {
        double[] w = programs.get(0).write(parameters.values().get(0), i -> random.nextInt(3) - 1);
        for (Layer program : run == 1 ? programs.reversed() : programs) {
          double[] x = program.write(program.images, i -> random.nextInt(5) - 2);
          assertThat(program.run())
              .isEqualTo(naive.forward(layer, program.batch, x, w, b).output());
        }
      }
    }
  }

  /**
   * On numbers like those of a trained network it errs like oneDNN's direct convolution, which
   * training takes, give or take what the transforms add: at most four times.
   */
  @Test
  void errsLikeADirectConvolution() {
    ConvolutionSpec layer = new ConvolutionSpec("c", 64, 16, 16, 128);
    int batch = 2;
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true))) {
      ParameterArena parameters = backend.createParameters(List.of(layer), batch, true);
      Layer winograd = new Layer(backend, layer, batch, parameters);
      double[] x = winograd.write(winograd.images, i -> Math.max(0, random.nextGaussian()));
      double[] w = winograd.write(winograd.weight(), i -> random.nextGaussian() / 24);
      double[] b = winograd.write(winograd.bias(), i -> random.nextGaussian() / 24);
      double[] expected = new NaiveLayers().forward(layer, batch, x, w, b).output();
      StepRecorder recorder = backend.record(batch);
      Tensor direct = recorder.forward(layer, parameters, winograd.images, true).output();
      recorder.build().run(1);
      double[] actual = winograd.run();
      assertThat(largestDifference(actual, expected))
          .isPositive()
          .isLessThan(4 * largestDifference(read(direct), expected));
      assertThat(winograd.run()).as("a second run").isEqualTo(actual);
    }
  }

  private static double largestDifference(double[] actual, double[] expected) {
    return IntStream.range(0, actual.length)
        .mapToDouble(i -> Math.abs(actual[i] - expected[i]))
        .max()
        .orElseThrow();
  }

  /** A pooled output reads all 16 elements of its tile, so these and no others are NaN. */
  @Test
  void aNaNReachesTheWindowsThatReadItAndNoOthers() {
    ConvolutionSpec layer = new ConvolutionSpec("c", CHANNELS, 8, 8, CHANNELS);
    int row = 3;
    int column = 4;
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true))) {
      Layer recorded = new Layer(backend, layer, 2, false);
      recorded.write(recorded.weight(), i -> random.nextGaussian());
      recorded.write(recorded.bias(), i -> 0);
      int poisoned = (1 * CHANNELS + 5) * 64 + row * 8 + column; // channel 5 of the second image
      recorded.write(recorded.images, i -> i == poisoned ? Double.NaN : random.nextGaussian());
      double[] output = recorded.run();
      for (int i = 0; i < output.length; i++) {
        int y = i / 4 % 4;
        int x = i % 4;
        boolean reads =
            i / 16 / CHANNELS == 1
                && Math.abs(2 * y + 0.5 - row) < 2
                && Math.abs(2 * x + 0.5 - column) < 2;
        assertThat(Double.isNaN(output[i])).as("output %d", i).isEqualTo(reads);
      }
    }
  }

  /** Narrower layers gain nothing by it, and training keeps what its backward pass reads. */
  @Test
  void isForWideLayersInFloat32Inference() {
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(1, true))) {
      assertThat(names(backend, CHANNELS, false)).anyMatch(name -> name.contains("winograd"));
      assertThat(names(backend, CHANNELS, true)).noneMatch(name -> name.contains("winograd"));
      assertThat(names(backend, CHANNELS - 1, false)).noneMatch(name -> name.contains("winograd"));
    }
  }

  private static List<String> names(OnednnBackend backend, int channels, boolean training) {
    ConvolutionSpec layer = new ConvolutionSpec("c", channels, 4, 4, CHANNELS);
    ParameterArena parameters = backend.createParameters(List.of(layer), 1, training);
    StepRecorder recorder = backend.record(1);
    Tensor images = backend.createTensor("images", layer.inputShape().withBatch(1));
    recorder.forward(layer, parameters, images, training);
    return ((OnednnProgram) recorder.build()).operations().stream().map(Operation::name).toList();
  }

  /** bfloat16 has oneDNN's own convolution. */
  @Test
  void isNotForBfloat16() {
    BackendOptions bfloat16 =
        new BackendOptions(
            1, true, Kernels.FUSED, Layers.CUDNN, Precision.BF16, BackendOptions.Engine.AUTO);
    OnednnBackend backend;
    try {
      backend = new OnednnBackend(bfloat16);
    } catch (DistillException e) {
      assumeTrue(false, e.getMessage());
      return;
    }
    try (backend) {
      assertThat(names(backend, CHANNELS, false)).noneMatch(name -> name.contains("winograd"));
    }
  }

  private static double[] read(Tensor tensor) {
    double[] values = new double[tensor.shape().elements()];
    tensor.read(values);
    return values;
  }

  /** A layer recorded for inference. */
  private static final class Layer {
    private final int batch;
    private final ParameterArena parameters;
    private final Tensor images;
    private final Tensor output;
    private final StepProgram program;

    Layer(OnednnBackend backend, LayerSpec layer, int batch, boolean trainable) {
      this(backend, layer, batch, backend.createParameters(List.of(layer), batch, trainable));
    }

    Layer(OnednnBackend backend, LayerSpec layer, int batch, ParameterArena parameters) {
      this.batch = batch;
      this.parameters = parameters;
      Shape input = layer.inputShape().withBatch(batch);
      images = backend.createTensor("images", input);
      StepRecorder recorder = backend.record(batch);
      output = recorder.forward(layer, parameters, images, false).output();
      program = recorder.build();
    }

    Tensor weight() {
      return parameters.values().get(0);
    }

    Tensor bias() {
      return parameters.values().get(1);
    }

    /** Fills a tensor and returns what it holds: float32. */
    double[] write(Tensor tensor, IntToDoubleFunction value) {
      double[] values =
          IntStream.range(0, tensor.shape().elements())
              .mapToDouble(i -> (float) value.applyAsDouble(i))
              .toArray();
      tensor.write(values);
      return values;
    }

    double[] run() {
      program.run(1);
      return read(output);
    }
  }
}
