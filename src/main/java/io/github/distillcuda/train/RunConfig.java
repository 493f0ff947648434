package io.github.distillcuda.train;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.data.DataChoice;
import io.github.distillcuda.nn.Architecture;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Everything that decides the bits of a run, as it is written to {@code config.json}. A resumed run
 * must have the same.
 *
 * @param models what is trained, in this order; a student needs a teacher, trained or from a file
 * @param temperature T of the loss
 * @param alpha weight of the distillation term
 * @param epochs of baseline and student
 * @param teacherEpochs of the teacher
 * @param batchSize rows of a step
 * @param learningRate Adam's step size
 * @param seed of initial weights and orders
 * @param teacher the teacher's widths
 * @param student the student's and the baseline's widths
 * @param teacherFile a model file to take the teacher from instead of training it; null for none
 * @param teacherSha256 the SHA-256 of that file; null for none
 * @param teacherRenames from a name in that file to one of the state dict; mostly empty
 * @param recomputeTeacher whether the teacher runs in every step instead of once
 * @param data the data set asked for: auto, cifar10 or synthetic
 * @param dataDirectory where it was asked for; null for the usual places
 * @param subset training images, from the first; null for all
 * @param deterministic whether a second run must give the same bits
 * @param kernels how the loss is computed, as asked for: fused, unfused or eager
 * @param layers who computes what stands between products, as asked for: cudnn or fused
 * @param precision arithmetic of the layers, as asked for: auto, fp32, tf32 or bf16
 * @param engine bindings to CUDA, as asked for: auto, panama or jcuda
 */
public record RunConfig(
    Set<ModelRole> models,
    double temperature,
    double alpha,
    int epochs,
    int teacherEpochs,
    int batchSize,
    double learningRate,
    long seed,
    Architecture teacher,
    Architecture student,
    String teacherFile,
    String teacherSha256,
    Map<String, String> teacherRenames,
    boolean recomputeTeacher,
    String data,
    String dataDirectory,
    Integer subset,
    boolean deterministic,
    String kernels,
    String layers,
    String precision,
    String engine) {
  /**
   * Checks the words.
   *
   * @throws IllegalArgumentException naming one that cannot be asked for
   */
  public RunConfig {
    named(DataChoice.values(), "data", data);
    named(Kernels.values(), "kernels", kernels);
    named(Layers.values(), "layers", layers);
    named(Precision.values(), "precision", precision);
    named(Engine.values(), "engine", engine);
  }

  private static <E> E named(E[] choices, String component, String word) {
    return Stream.of(choices)
        .filter(choice -> choice.toString().equals(word))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("%s: %s".formatted(component, word)));
  }

  /** Returns which data set is asked for. */
  public DataChoice dataChoice() {
    return named(DataChoice.values(), "data", data);
  }

  /**
   * Returns what the run asks of its device.
   *
   * @param threads CPU threads, 0 for as many as there are processors
   */
  public BackendOptions backendOptions(int threads) {
    return new BackendOptions(
        threads,
        deterministic,
        named(Kernels.values(), "kernels", kernels),
        named(Layers.values(), "layers", layers),
        named(Precision.values(), "precision", precision),
        named(Engine.values(), "engine", engine));
  }

  /** Returns the settings of one model's training. */
  public TrainingSettings settings(ModelRole role) {
    return new TrainingSettings(
        role == ModelRole.TEACHER ? teacherEpochs : epochs, batchSize, learningRate, seed);
  }

  /** Returns the architecture of a model. */
  public Architecture architecture(ModelRole role) {
    return role == ModelRole.TEACHER ? teacher : student;
  }
}
