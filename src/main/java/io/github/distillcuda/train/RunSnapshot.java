package io.github.distillcuda.train;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.checkpoint.RunCheckpoint;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Everything a run needs to go on to the same bits: what is finished, what is in progress and how
 * far, with parameters and moments. The orders of images need no state: they are a function of seed
 * and epoch.
 *
 * @param config the run's configuration
 * @param backend the device and libraries that computed so far
 * @param datasetSha256 of the training images and labels
 * @param finished the models that are done
 * @param inProgress the model that is being trained
 * @param position how far that one is
 * @param history the epochs of the finished models
 * @param secondsSpent wall time of the run so far
 * @param arrays the parameters of finished models and of the one in progress, and the latter's
 *     moments, each name prefixed as {@link #prefix} says
 */
public record RunSnapshot(
    RunConfig config,
    BackendInfo backend,
    String datasetSha256,
    Map<ModelRole, ModelResult> finished,
    ModelRole inProgress,
    TrainingPosition position,
    List<EpochRecord> history,
    double secondsSpent,
    List<NamedArray> arrays) {

  /** The three groups of arrays that a model in training has. */
  enum Group {
    VALUES,
    FIRST_MOMENTS,
    SECOND_MOMENTS
  }

  /** The part of a snapshot that is not arrays, as it is written to JSON. */
  private record Json(
      RunConfig config,
      BackendInfo backend,
      String datasetSha256,
      EnumMap<ModelRole, ModelResult> finished,
      ModelRole inProgress,
      TrainingPosition position,
      List<EpochRecord> history,
      double secondsSpent) {}

  private static final Gson GSON = new Gson();

  private static String prefix(ModelRole role, Group group) {
    return role + "/" + group + "/";
  }

  /** Returns copies of the arrays with names that say whose they are. */
  static List<NamedArray> prefixed(ModelRole role, Group group, List<NamedArray> arrays) {
    return arrays.stream()
        .map(a -> new NamedArray(prefix(role, group) + a.name(), a.shape(), a.values()))
        .toList();
  }

  /** Returns the arrays of one group with their own names. */
  List<NamedArray> arrays(ModelRole role, Group group) {
    String prefix = prefix(role, group);
    List<NamedArray> selected = new ArrayList<>();
    for (NamedArray array : arrays) {
      if (array.name().startsWith(prefix)) {
        String name = array.name().substring(prefix.length());
        selected.add(new NamedArray(name, array.shape(), array.values()));
      }
    }
    return selected;
  }

  /** Returns the optimizer steps of all models so far, which orders the snapshots of a run. */
  int sequence() {
    long steps = position.progress().optimizerStep();
    for (ModelRole role : finished.keySet()) {
      steps +=
          history.stream()
              .filter(epoch -> epoch.model().equals(role.toString()))
              .mapToLong(EpochRecord::step)
              .max()
              .orElse(0);
    }
    return Math.toIntExact(steps);
  }

  RunCheckpoint toCheckpoint() {
    EnumMap<ModelRole, ModelResult> results = new EnumMap<>(ModelRole.class);
    results.putAll(finished);
    Json json =
        new Json(
            config, backend, datasetSha256, results, inProgress, position, history, secondsSpent);
    return new RunCheckpoint(GSON.toJsonTree(json).getAsJsonObject(), arrays);
  }

  static RunSnapshot of(RunCheckpoint checkpoint) {
    JsonObject state = checkpoint.state();
    try {
      Json json = GSON.fromJson(state, Json.class);
      return new RunSnapshot(
          json.config(),
          json.backend(),
          json.datasetSha256(),
          json.finished(),
          json.inProgress(),
          json.position(),
          json.history(),
          json.secondsSpent(),
          checkpoint.arrays());
    } catch (JsonParseException e) {
      throw new DistillException(
          ExitCode.DATA, "the checkpoint is of another version of the program: " + e, e);
    }
  }
}
