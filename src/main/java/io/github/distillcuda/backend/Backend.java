package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A device and the libraries that compute on it. Everything it creates belongs to it and ends with
 * {@link #close()}. One thread, the one that created the backend, makes every call.
 */
public interface Backend extends AutoCloseable {
  /**
   * Passed to {@link #requireRoom} when the batch size may not change, so that no smaller one is
   * suggested.
   */
  int FIXED_BATCH = 0;

  /** Returns what it computes on; {@link #info} says so in words. */
  DeviceKind kind();

  /** Returns what the run should say of this backend. */
  BackendInfo info();

  /** Returns whether two runs give the same bits even where the options do not ask for it. */
  default boolean alwaysDeterministic() {
    return false;
  }

  /** Returns what else there is to know of the device, such as where its libraries were found. */
  default Map<String, String> details() {
    return Map.of();
  }

  /**
   * Returns the library algorithms chosen so far, by layer, direction and batch, including those
   * taken over by {@link #reuseAlgorithms}; empty where there is no choice.
   */
  default Map<String, String> algorithms() {
    return Map.of();
  }

  /**
   * Makes later recordings use the algorithms of an earlier run on the same device and libraries,
   * so that they compute the same bits. Libraries that take no algorithm by name choose anew.
   *
   * @param algorithms what {@link #algorithms} returned then
   * @param note receives a line for each algorithm that is not the earlier one
   */
  default void reuseAlgorithms(Map<String, String> algorithms, Consumer<String> note) {}

  /**
   * Returns the most rows that a step through these layers can have: with more, a tensor has more
   * elements than an int counts, or than a library of the device takes.
   */
  default int mostRows(List<LayerSpec> layers) {
    return Integer.MAX_VALUE
        / layers.stream()
            .flatMap(layer -> Stream.of(layer.inputShape(), layer.productShape()))
            .mapToInt(Shape::elements)
            .max()
            .orElse(1);
  }

  /**
   * Checks, before any training, that the models of a run fit in the free device memory, and
   * allocates what they share. Does nothing where memory is the host's.
   *
   * @param batch the batch size, if a smaller one would do; else {@link #FIXED_BATCH}
   * @param note receives a line if algorithms will not be measured for lack of room
   * @throws io.github.distillcuda.failure.DistillException DEVICE_MEMORY with what is needed, what
   *     is free, what is largest, and a batch size that fits, if one does
   */
  default void requireRoom(List<PlannedModel> models, int batch, Consumer<String> note) {}

  /**
   * Allocates the parameters of a model, zero at first.
   *
   * @param layers the layers, whose layouts the backend chooses here
   * @param batch the batch size to choose them for; steps of other sizes use the same layouts
   * @param trainable whether gradients and moments are allocated too
   */
  ParameterArena createParameters(List<LayerSpec> layers, int batch, boolean trainable);

  /** Allocates a tensor outside any step, zero at first; a step may read it as an input. */
  Tensor createTensor(String name, Shape shape);

  /** Returns the type that tensors are held in. */
  DType dtype();

  /**
   * Brings a data set to the device. One that computes on the host may keep what it is given
   * instead of a copy, so that must not be changed any more.
   *
   * @param imageShape the shape of one image, [channels, height, width]
   * @param images the images as bytes, row-major, one after the other, from index 0 to the buffer's
   *     capacity
   * @param labels a label an image, from 0, or {@link ResidentDataset#NO_LABEL}
   */
  ResidentDataset upload(Shape imageShape, ByteBuffer images, byte[] labels);

  /** Brings a data set to the device whose images are in an array. */
  default ResidentDataset upload(Shape imageShape, byte[] images, byte[] labels) {
    return upload(imageShape, ByteBuffer.wrap(images), labels);
  }

  /** Allocates a table of logits, zero at first. */
  LogitsTable createLogitsTable(int rows, int classes);

  /** Allocates the state of a training or an evaluation. */
  StepState createState();

  /** Starts the recording of a step. */
  StepRecorder record(int batch);

  /** Frees everything this backend created; a second call does nothing. */
  @Override
  void close();
}
