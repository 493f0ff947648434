package io.github.distillcuda.train;

import com.google.gson.JsonParseException;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.checkpoint.CheckpointFolder;
import io.github.distillcuda.checkpoint.RunCheckpoint;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Everything a run needs to go on to the same bits: what is finished, what is in progress and how
 * far, with parameters and moments. The orders of images need no state: they are a function of seed
 * and epoch.
 *
 * @param state all but the arrays
 * @param arrays the parameters of the teacher, once it is done, and of the model in progress, and
 *     the latter's moments, each name prefixed as {@link #prefix} says
 */
public record RunSnapshot(State state, List<NamedArray> arrays) {
  /** The three groups of arrays that a model in training has. */
  enum Group {
    VALUES,
    FIRST_MOMENTS,
    SECOND_MOMENTS
  }

  /**
   * The part of a snapshot that is not arrays, as it is written to JSON.
   *
   * @param config the run's configuration
   * @param backend the device and libraries that computed so far
   * @param algorithms those of libraries that were chosen, by layer, direction and batch
   * @param datasetSha256 of the training images and labels
   * @param finished the models that are done
   * @param inProgress the model that is being trained
   * @param position how far that one is
   * @param history the epochs of the finished models
   * @param secondsSpent wall time of the run so far
   */
  public record State(
      RunConfig config,
      BackendInfo backend,
      Map<String, String> algorithms,
      String datasetSha256,
      EnumMap<ModelRole, ModelResult> finished,
      ModelRole inProgress,
      TrainingPosition position,
      List<EpochRecord> history,
      double secondsSpent) {}

  private static String prefix(ModelRole role, Group group) {
    return role + "/" + group + "/";
  }

  /**
   * Returns the arrays of a snapshot.
   *
   * @param role the model in progress
   * @param network its parameters and moments
   * @param teacher the teacher that is done; null if there is none
   */
  static List<NamedArray> arrays(ModelRole role, Network network, Network teacher) {
    List<NamedArray> arrays = new ArrayList<>();
    if (teacher != null) {
      arrays.addAll(prefixed(ModelRole.TEACHER, Group.VALUES, teacher.save()));
    }
    arrays.addAll(prefixed(role, Group.VALUES, network.save()));
    arrays.addAll(prefixed(role, Group.FIRST_MOMENTS, network.saveFirstMoments()));
    arrays.addAll(prefixed(role, Group.SECOND_MOMENTS, network.saveSecondMoments()));
    return arrays;
  }

  /**
   * Brings parameters and moments of the model in progress back.
   *
   * @param network that model, to be trained further
   * @throws DistillException DATA if one is missing or of another shape
   */
  void restore(Network network) {
    network.load(arrays(state.inProgress(), Group.VALUES));
    network.loadMoments(
        arrays(state.inProgress(), Group.FIRST_MOMENTS),
        arrays(state.inProgress(), Group.SECOND_MOMENTS));
  }

  /** Returns copies of the arrays with names that say whose they are. */
  private static List<NamedArray> prefixed(ModelRole role, Group group, List<NamedArray> arrays) {
    return arrays.stream()
        .map(a -> new NamedArray(prefix(role, group) + a.name(), a.shape(), a.values()))
        .toList();
  }

  /**
   * Returns the arrays of one group in state-dict order, with their own names.
   *
   * @throws DistillException DATA if one is missing or of another shape than its model's
   */
  List<NamedArray> arrays(ModelRole role, Group group) {
    Map<String, NamedArray> byName = new HashMap<>();
    arrays.forEach(array -> byName.put(array.name(), array));
    List<NamedArray> selected = new ArrayList<>();
    for (Map.Entry<String, Shape> parameter :
        state.config().architecture(role).stateDict().entrySet()) {
      String name = prefix(role, group) + parameter.getKey();
      NamedArray array = byName.get(name);
      if (array == null || !array.shape().equals(parameter.getValue())) {
        throw new DistillException(
            ExitCode.DATA,
            "the checkpoint has %s %s where the run needs %s"
                .formatted(name, array == null ? "missing" : array.shape(), parameter.getValue()));
      }
      selected.add(new NamedArray(parameter.getKey(), array.shape(), array.values()));
    }
    return selected;
  }

  /**
   * Looks where no step does. The square of a gradient may overflow though the gradient does not,
   * and its parameter then stays where it is for good: no run is saved so.
   *
   * @param network the model in progress
   * @throws NonFiniteException if a second moment is not finite
   */
  void requireFinite(Network network) {
    StepProgress progress = state.position().progress();
    int epoch = state.position().epoch();
    for (NamedArray array : arrays(state.inProgress(), Group.SECOND_MOMENTS)) {
      if (!NonFiniteState.isFinite(array.values())) {
        throw new NonFiniteException(
            new NonFiniteState(
                state.inProgress(),
                progress.optimizerStep(),
                progress.cursor() == 0 ? epoch - 1 : epoch,
                new int[0],
                "second moment of " + array.name(),
                NonFiniteState.arrays(network)));
      }
    }
  }

  /** Returns the optimizer steps of all models so far, which orders the snapshots of a run. */
  int sequence() {
    long steps = state.position().progress().optimizerStep();
    for (ModelRole role : state.finished().keySet()) {
      steps +=
          state.history().stream()
              .filter(epoch -> epoch.role() == role)
              .mapToLong(EpochRecord::step)
              .max()
              .orElse(0);
    }
    return Math.toIntExact(steps);
  }

  RunCheckpoint toCheckpoint() {
    return new RunCheckpoint(RecordJson.write(state), arrays);
  }

  /**
   * Returns the snapshot that a checkpoint keeps.
   *
   * @throws DistillException DATA if any of it is missing or unknown
   */
  static RunSnapshot of(CheckpointFolder.Found found) {
    Path file = found.file();
    RunCheckpoint checkpoint = found.checkpoint();
    State state;
    try {
      state = RecordJson.read(checkpoint.state(), State.class);
    } catch (JsonParseException e) {
      throw ofAnotherVersion(file, e.getMessage(), e);
    }
    RunSnapshot snapshot = new RunSnapshot(state, checkpoint.arrays());
    if (!state.finished().keySet().equals(snapshot.requiredBefore())) {
      throw ofAnotherVersion(
          file,
          "%s is in progress and %s done instead of %s"
              .formatted(state.inProgress(), state.finished().keySet(), snapshot.requiredBefore()),
          null);
    }
    if (snapshot.sequence() != found.sequence()) {
      throw ofAnotherVersion(file, "it is of step " + snapshot.sequence(), null);
    }
    return snapshot;
  }

  /** Returns the models that must be done before the one in progress is begun. */
  private Set<ModelRole> requiredBefore() {
    Set<ModelRole> before = EnumSet.noneOf(ModelRole.class);
    state.config().models().stream()
        .filter(role -> role.compareTo(state.inProgress()) < 0)
        .forEach(before::add);
    if (state.config().teacherFile() != null) {
      before.add(ModelRole.TEACHER);
    }
    return before;
  }

  private static DistillException ofAnotherVersion(Path file, String what, Throwable cause) {
    return new DistillException(
        ExitCode.DATA,
        "%s: it is incomplete or of another version of the program (%s); nothing was deleted"
            .formatted(file, what),
        cause);
  }
}
