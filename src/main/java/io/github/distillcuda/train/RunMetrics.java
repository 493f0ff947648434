package io.github.distillcuda.train;

import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.data.ImageDataset;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The content of {@code metrics.json}. Accuracies are from 0 to 1.
 *
 * @param schema the version of this record, 1
 * @param device the device that computed
 * @param engine how it was reached
 * @param precision of layers
 * @param kernels {@code fused}, {@code unfused} or {@code eager} loss
 * @param layers who computed what stands between products
 * @param dataset what was trained on
 * @param temperature T
 * @param alpha weight of the distillation term
 * @param seed of everything random
 * @param deterministic whether a second run gives the same bits
 * @param epochs of the student
 * @param batchSize rows of a step
 * @param models by name; one that was not made is absent
 * @param totalSeconds wall time from the data in memory to here
 */
public record RunMetrics(
    int schema,
    String device,
    String engine,
    String precision,
    String kernels,
    String layers,
    Dataset dataset,
    double temperature,
    double alpha,
    long seed,
    boolean deterministic,
    int epochs,
    int batchSize,
    Map<String, ModelResult> models,
    double totalSeconds) {
  private static final int SCHEMA = 1;

  /**
   * The data set of a run.
   *
   * @param name {@code cifar10}, {@code cifar10 (unofficial files)} or {@code synthetic}
   * @param train training images
   * @param test test images
   * @param sha256 over the training images and labels in order
   */
  public record Dataset(String name, int train, int test, String sha256) {}

  /**
   * Returns what there is to say of a run that is done.
   *
   * @param datasetSha256 of the data set
   * @param finished the results, in the order in which they are reported
   * @param totalSeconds wall time
   */
  static RunMetrics of(
      RunConfig config,
      BackendInfo backend,
      ImageDataset dataset,
      String datasetSha256,
      Map<ModelRole, ModelResult> finished,
      double totalSeconds) {
    Map<String, ModelResult> models = new LinkedHashMap<>();
    finished.forEach((role, result) -> models.put(role.toString(), result));
    return new RunMetrics(
        SCHEMA,
        backend.device(),
        backend.engine(),
        backend.precision(),
        backend.kernels(),
        backend.layers(),
        new Dataset(dataset.name(), dataset.trainCount(), dataset.testCount(), datasetSha256),
        config.temperature(),
        config.alpha(),
        config.seed(),
        config.deterministic(),
        config.epochs(),
        config.batchSize(),
        models,
        totalSeconds);
  }
}
