package io.github.distillcuda.backend;

import java.util.List;
import java.util.stream.Stream;

/**
 * A model that a run will create, so that a device can say beforehand whether there is room for it.
 *
 * @param name what people know it by
 * @param layers its layers
 * @param trainable whether it has gradients and moments
 * @param batchedSteps the rows of each of its steps that grow with the batch size: of a full and of
 *     the last step of an epoch
 * @param otherSteps the rows of each of its other steps, all of them forward passes
 */
public record PlannedModel(
    String name,
    List<LayerSpec> layers,
    boolean trainable,
    List<Integer> batchedSteps,
    List<Integer> otherSteps) {
  public PlannedModel {
    layers = List.copyOf(layers);
    batchedSteps = List.copyOf(batchedSteps);
    otherSteps = List.copyOf(otherSteps);
  }

  /**
   * Returns the rows of each step that is recorded to go over so many images: of a full one, if
   * there is one, and of the one that takes the rest.
   */
  public static List<Integer> steps(int images, int batch) {
    return notEmpty(images < batch ? 0 : batch, images % batch);
  }

  private static List<Integer> notEmpty(Integer... steps) {
    return Stream.of(steps).filter(rows -> rows > 0).toList();
  }

  /**
   * Returns this model with another batch size and, as the worst case, a last step of an epoch that
   * is nearly as large.
   */
  public PlannedModel ofBatch(int rows) {
    return new PlannedModel(
        name,
        layers,
        trainable,
        batchedSteps.isEmpty() ? batchedSteps : notEmpty(rows, rows - 1),
        otherSteps);
  }

  /** Returns the rows of the largest of its steps. */
  public int largestStep() {
    return Math.max(largest(batchedSteps), largest(otherSteps));
  }

  /** Returns the rows of the largest of its steps that do not grow with the batch size. */
  public int largestOtherStep() {
    return largest(otherSteps);
  }

  private static int largest(List<Integer> steps) {
    return steps.stream().mapToInt(Integer::intValue).max().orElse(0);
  }
}
