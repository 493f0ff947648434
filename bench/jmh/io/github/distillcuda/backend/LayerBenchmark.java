package io.github.distillcuda.backend;

import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One layer of the published networks with its bias, ReLU and pooling, batch 64, on the CPU. Its
 * input and the gradient of its output lie in row-major order here, so that a layer that prefers
 * another pays for a copy which, inside a network, the layer before it may have spared it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class LayerBenchmark {
  private static final int BATCH = 64;

  @Param({"TEACHER", "STUDENT"})
  public String network;

  @Param({"conv1", "conv2", "fc1", "fc2"})
  public String layer;

  private Backend backend;
  private StepProgram inference;
  private StepProgram training;

  /** The backend belongs to the thread that opens it, which is the one that measures. */
  @Setup
  public void record() {
    backend = new Backends().select(new DeviceRequest.Cpu(), BackendOptions.DEFAULT, note -> {});
    Architecture architecture =
        network.equals("TEACHER") ? Architecture.TEACHER : Architecture.STUDENT;
    LayerSpec spec =
        architecture.layers().stream()
            .filter(candidate -> candidate.name().equals(layer))
            .findFirst()
            .orElseThrow();
    SplittableRandom random = new SplittableRandom(1);
    Tensor input = backend.createTensor("input", spec.inputShape().withBatch(BATCH));
    fill(input, random, 1);
    Tensor gradient = backend.createTensor("gradient", spec.outputShape().withBatch(BATCH));
    fill(gradient, random, 1.0 / BATCH);

    StepRecorder forward = backend.record(BATCH);
    forward.forward(spec, parameters(spec, random, false), input, false);
    inference = forward.build();

    StepRecorder both = backend.record(BATCH);
    LayerPass pass = both.forward(spec, parameters(spec, random, true), input, true);
    both.backward(pass, gradient, !layer.equals("conv1"));
    training = both.build();
  }

  private ParameterArena parameters(LayerSpec spec, SplittableRandom random, boolean trainable) {
    ParameterArena parameters = backend.createParameters(List.of(spec), BATCH, trainable);
    for (Tensor tensor : parameters.values()) {
      fill(tensor, random, 1 / Math.sqrt(spec.fanIn()));
    }
    return parameters;
  }

  private static void fill(Tensor tensor, SplittableRandom random, double scale) {
    float[] values = new float[tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    tensor.write(values);
  }

  @TearDown
  public void close() {
    backend.close();
  }

  @Benchmark
  public void forward() {
    inference.run(1);
  }

  @Benchmark
  public void forwardAndBackward() {
    training.run(1);
  }
}
