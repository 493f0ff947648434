package io.github.distillcuda.train;

import com.google.gson.annotations.JsonAdapter;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.data.DataChoice;
import io.github.distillcuda.nn.Architecture;
import java.util.Map;
import java.util.Set;

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
 * @param data the data set asked for
 * @param dataDirectory where it was asked for; null for the usual places
 * @param subset training images, from the first; null for all
 * @param deterministic whether a second run must give the same bits
 * @param kernels how the loss is computed, as asked for
 * @param layers who computes what stands between products, as asked for
 * @param precision arithmetic of the layers, as asked for
 * @param engine bindings to CUDA, as asked for
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
    @JsonAdapter(EnumWords.class) DataChoice data,
    String dataDirectory,
    Integer subset,
    boolean deterministic,
    @JsonAdapter(EnumWords.class) Kernels kernels,
    @JsonAdapter(EnumWords.class) Layers layers,
    @JsonAdapter(EnumWords.class) Precision precision,
    @JsonAdapter(EnumWords.class) Engine engine) {
  /**
   * Returns what the run asks of its device.
   *
   * @param threads CPU threads, 0 for as many as there are processors
   */
  public BackendOptions backendOptions(int threads) {
    return new BackendOptions(threads, deterministic, kernels, layers, precision, engine);
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
