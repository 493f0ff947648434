package io.github.distillcuda.train;

import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.distill.DatasetLogits;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The models that a run will create: each one that is trained, and each again when it is done. */
final class RunModels {
  private RunModels() {}

  /**
   * Lists them.
   *
   * @param finished those that an earlier part of the run has trained; of them the teacher alone is
   *     needed again
   * @param trainCount the images to train on
   * @param testCount the images to evaluate on
   */
  static List<PlannedModel> of(
      RunConfig config, Set<ModelRole> finished, int trainCount, int testCount) {
    int training = rowsOfSteps(trainCount, config.batchSize());
    int evaluation = DatasetLogits.rowsOfSteps(testCount);
    boolean distils = config.models().contains(ModelRole.STUDENT);
    List<PlannedModel> models = new ArrayList<>();
    for (ModelRole role : ModelRole.values()) {
      boolean given = role == ModelRole.TEACHER && config.teacherFile() != null;
      boolean done = given || finished.contains(role);
      boolean trained = config.models().contains(role) && !done;
      if (trained) {
        models.add(
            new PlannedModel(
                role + " in training",
                config.architecture(role).layers(),
                true,
                training,
                evaluation));
      }
      if (trained || done && role == ModelRole.TEACHER) {
        boolean teaches = role == ModelRole.TEACHER && distils;
        boolean online = teaches && config.recomputeTeacher();
        int caching = teaches && !online ? DatasetLogits.rowsOfSteps(trainCount) : 0;
        models.add(
            new PlannedModel(
                role.toString(),
                config.architecture(role).layers(),
                false,
                online ? training : 0,
                evaluation + caching));
      }
    }
    return models;
  }

  /** Those of a full step, if there is one, and of the one that takes the rest. */
  private static int rowsOfSteps(int images, int batch) {
    return (images < batch ? 0 : batch) + images % batch;
  }
}
