package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

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
    List<Integer> training = PlannedModel.steps(trainCount, config.batchSize());
    List<Integer> evaluation = DatasetLogits.steps(testCount);
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
        List<Integer> caching = teaches && !online ? DatasetLogits.steps(trainCount) : List.of();
        models.add(
            new PlannedModel(
                role.toString(),
                config.architecture(role).layers(),
                false,
                online ? training : List.of(),
                Stream.concat(evaluation.stream(), caching.stream()).toList()));
      }
    }
    return models;
  }

  /**
   * Checks that a device has tensors for the steps of all models.
   *
   * @throws DistillException USAGE if not, with a batch size that fits if one does
   */
  static void requireTensors(Backend backend, RunConfig config, List<PlannedModel> models) {
    // What fits the one of which a tensor holds the fewest rows fits the others.
    models.stream()
        .filter(model -> model.largestStep() > backend.mostRows(model.layers()))
        .min(Comparator.comparingInt(model -> backend.mostRows(model.layers())))
        .ifPresent(model -> refuse(model, backend, config.batchSize()));
  }

  private static void refuse(PlannedModel model, Backend backend, int batch) {
    int most = backend.mostRows(model.layers());
    boolean fits = most >= model.largestOtherStep();
    throw new DistillException(
        ExitCode.USAGE,
        "%s: a tensor of the %s would be larger than %s takes; %s"
            .formatted(
                fits
                    ? "--batch-size " + batch
                    : "the test images, %d at a time".formatted(model.largestOtherStep()),
                model.name(),
                backend.info().device(),
                fits ? "--batch-size " + most + " fits" : "choose smaller widths"));
  }
}
