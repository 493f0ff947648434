package io.github.distillcuda.train;

import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.distill.DatasetLogits;
import java.util.ArrayList;
import java.util.List;

/** The models that a run will create: each one that is trained, and each again when it is done. */
final class RunModels {
  private RunModels() {}

  /**
   * Lists them.
   *
   * @param trainCount the images to train on
   * @param testCount the images to evaluate on
   */
  static List<PlannedModel> of(RunConfig config, int trainCount, int testCount) {
    int training = rowsOfSteps(trainCount, config.batchSize());
    int evaluation = rowsOfSteps(testCount, DatasetLogits.BATCH);
    boolean distils = config.models().contains(ModelRole.STUDENT);
    List<PlannedModel> models = new ArrayList<>();
    for (ModelRole role : ModelRole.values()) {
      boolean trained = config.models().contains(role) && !isGiven(config, role);
      if (trained) {
        models.add(
            new PlannedModel(
                role + " in training",
                config.architecture(role).layers(),
                true,
                training,
                evaluation));
      }
      if (trained || isGiven(config, role)) {
        boolean teaches = role == ModelRole.TEACHER && distils;
        boolean online = teaches && config.recomputeTeacher();
        int caching = teaches && !online ? rowsOfSteps(trainCount, DatasetLogits.BATCH) : 0;
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

  private static boolean isGiven(RunConfig config, ModelRole role) {
    return role == ModelRole.TEACHER && config.teacherFile() != null;
  }

  /** Those of a full step, if there is one, and of the one that takes the rest. */
  private static int rowsOfSteps(int images, int batch) {
    return (images < batch ? 0 : batch) + images % batch;
  }
}
