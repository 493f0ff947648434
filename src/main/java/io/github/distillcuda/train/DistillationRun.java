package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.data.SyntheticDataset;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.InitialWeights;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.SplitMix64;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A whole run: teacher (trained or given), baseline and student, each trained, evaluated and saved,
 * with a checkpoint after every epoch from which it goes on to the same bits.
 */
public final class DistillationRun {
  /** A disk may be full for a while; after so many savings without a success, the run ends. */
  private static final int MOST_FAILED_SAVES = 3;

  /** A model that is done: its parameters on the device and what it says of the test images. */
  private record Frozen(Network network, Evaluation evaluation) {}

  private final Backend backend;
  private final RunConfig config;
  private final ImageDataset dataset;
  private final RunFolder folder;
  private final TrainingListener listener;
  private final StopSignal stop;
  private final int saveEvery;
  private final CompletableFuture<String> datasetSha256;
  private final ResidentDataset trainImages;
  private final ResidentDataset testImages;
  private final Map<ModelRole, ModelResult> finished = new EnumMap<>(ModelRole.class);
  private final List<EpochRecord> history = new ArrayList<>();
  private final long started = System.nanoTime();
  private Frozen teacher;
  private double secondsBefore;
  private int failedSaves;

  /**
   * A run that has not begun.
   *
   * @param dataset its images are copied to the device here
   * @param folder where everything is written; not closed here
   * @param saveEvery epochs between checkpoints
   */
  public DistillationRun(
      Backend backend,
      RunConfig config,
      ImageDataset dataset,
      RunFolder folder,
      TrainingListener listener,
      StopSignal stop,
      int saveEvery) {
    this.backend = backend;
    this.config = config;
    this.dataset = dataset;
    this.folder = folder;
    this.listener =
        new EstimatingListener(config, dataset.trainCount(), dataset.testCount(), listener);
    this.stop = stop;
    this.saveEvery = saveEvery;
    // A tenth of a second of another processor, while this one plans and records.
    datasetSha256 = CompletableFuture.supplyAsync(dataset::sha256);
    testImages =
        backend.upload(ImageDataset.IMAGE_SHAPE, dataset.testImages(), dataset.testLabels());
    try {
      trainImages =
          backend.upload(ImageDataset.IMAGE_SHAPE, dataset.trainImages(), dataset.trainLabels());
    } catch (DistillException e) {
      // A run that goes on must have the images that it began with.
      throw e.exitCode() == ExitCode.DEVICE_MEMORY && folder.isNew()
          ? e.with(", or train on fewer images with --subset")
          : e;
    }
  }

  /**
   * Runs from the beginning to the end.
   *
   * @param teacherFromFile the parameters of {@code config.teacherFile()} in state-dict order; null
   *     where the teacher is trained or not needed
   * @return what is in {@code metrics.json}
   * @throws DistillException USAGE if no tensor can hold a batch of this size, DEVICE_MEMORY if the
   *     device has no room for all of the models
   */
  public RunMetrics execute(List<NamedArray> teacherFromFile) {
    stop.heed();
    requireRoom(Set.of(), config.batchSize());
    if (teacherFromFile != null) {
      load(teacherFromFile);
    }
    return trainRemaining(null);
  }

  /**
   * Goes on where a snapshot was taken, to the bits that an uninterrupted run would have.
   *
   * @return what is in {@code metrics.json}
   * @throws DistillException USAGE if the settings, the data or the device differ from the
   *     snapshot's, or the device computes in float64, of which a snapshot keeps float32;
   *     DEVICE_MEMORY if there is no room for the rest of the models
   */
  public RunMetrics resume(RunSnapshot snapshot) {
    stop.heed();
    RunSnapshot.State begun = snapshot.state();
    requireSame(
        "config.json was changed since the run began", begun.config(), config, "undo the change");
    requireSame(
        "the device computes differently from when the run began",
        begun.backend(),
        backend.info(),
        "give the same --device, --threads, --precision and --kernels on the same machine");
    if (!isResumable(backend)) {
      throw new DistillException(
          ExitCode.USAGE,
          "%s computes in more than the float32 of a checkpoint, so its runs cannot be resumed;"
                  .formatted(backend.info().device())
              + " start a new one");
    }
    if (!begun.datasetSha256().equals(datasetSha256.join())) {
      throw new DistillException(
          ExitCode.USAGE,
          "the training images are not those the run began with (SHA-256 %s, now %s); %s"
              .formatted(
                  begun.datasetSha256(),
                  datasetSha256.join(),
                  dataset.name().equals(SyntheticDataset.NAME)
                      ? "where the program was replaced it may draw others: start a new run"
                      : "give the same --data-dir"));
    }
    requireRoom(begun.finished().keySet(), Backend.FIXED_BATCH);
    backend.reuseAlgorithms(begun.algorithms(), listener::note);
    secondsBefore = begun.secondsSpent();
    history.addAll(begun.history());
    finished.putAll(begun.finished());
    if (finished.containsKey(ModelRole.TEACHER)) {
      teacher =
          frozen(ModelRole.TEACHER, snapshot.arrays(ModelRole.TEACHER, RunSnapshot.Group.VALUES));
    }
    return trainRemaining(snapshot);
  }

  /** Returns whether runs on a device are saved, to go on: a checkpoint keeps float32. */
  public static boolean isResumable(Backend backend) {
    return backend.dtype() == DType.FLOAT32;
  }

  private void requireRoom(Set<ModelRole> done, int batch) {
    List<PlannedModel> models =
        RunModels.of(config, done, dataset.trainCount(), dataset.testCount());
    RunModels.requireTensors(backend, config, models);
    backend.requireRoom(models, batch, listener::note);
  }

  /**
   * Returns the batch to lay a model out for. The batch size may be more than its steps have: of a
   * small data set, or of a teacher whose logits are cached. What no step needs is no reason to
   * refuse it, so the limit is what the device takes.
   */
  private int layoutBatch(ModelRole role) {
    return Math.min(config.batchSize(), backend.mostRows(config.architecture(role).layers()));
  }

  private static void requireSame(String what, Record began, Record now, String advice) {
    List<String> differences =
        JsonLeaves.differences(RecordJson.write(began), RecordJson.write(now));
    if (!differences.isEmpty()) {
      throw new DistillException(
          ExitCode.USAGE, "%s (%s); %s".formatted(what, String.join("; ", differences), advice));
    }
  }

  private RunMetrics trainRemaining(RunSnapshot snapshot) {
    for (ModelRole role : config.models()) {
      if (!finished.containsKey(role)) {
        train(role, snapshot != null && snapshot.state().inProgress() == role ? snapshot : null);
      }
    }
    RunMetrics metrics =
        RunMetrics.of(config, backend.info(), dataset, datasetSha256.join(), finished, seconds());
    folder.writeMetrics(metrics);
    folder.removeCheckpoints();
    return metrics;
  }

  private void load(List<NamedArray> parameters) {
    teacher = frozen(ModelRole.TEACHER, parameters);
    double accuracy = teacher.evaluation().accuracy();
    finished.put(
        ModelRole.TEACHER,
        new ModelResult(
            config.teacher().parameterCount(),
            accuracy,
            accuracy,
            null,
            null,
            null,
            config.teacherFile()));
    listener.note(
        "teacher: %,d parameters from %s, test %.2f %%"
            .formatted(config.teacher().parameterCount(), config.teacherFile(), 100 * accuracy));
  }

  /**
   * Puts a model where it will stay. A backend may lay the parameters of a frozen network out
   * otherwise than a trainable one's and so round otherwise: a model that was just trained is
   * frozen anew, as one from a file or a checkpoint is, so that all three give the same bits. So it
   * is evaluated anew, too, after its last epoch: accuracy and agreement are of what was saved, and
   * {@code eval} finds the same in the file.
   */
  private Frozen frozen(ModelRole role, List<NamedArray> parameters) {
    Network network = Network.frozen(backend, config.architecture(role), layoutBatch(role));
    network.load(parameters);
    Evaluator evaluator = evaluator(role, network);
    return new Frozen(
        network,
        evaluator.evaluate(
            done -> listener.progress(new Work.SavedTest(role), done, evaluator.images())));
  }

  private void train(ModelRole role, RunSnapshot snapshot) {
    Network network = Network.trainable(backend, config.architecture(role), layoutBatch(role));
    TrainingPosition position = TrainingPosition.START;
    if (snapshot == null) {
      network.load(InitialWeights.draw(network.architecture(), initialSeed(role)));
      // Better now than after the first epoch, which is when the first checkpoint is written.
      folder.requireSpace(checkpointBytes(role));
    } else {
      snapshot.restore(network);
      position = snapshot.state().position();
    }
    LossSpec loss =
        role == ModelRole.STUDENT
            ? new LossSpec(config.temperature(), config.alpha())
            : LossSpec.CROSS_ENTROPY;
    TrainingTask task =
        new TrainingTask(role, network, loss, teacherSource(loss), config.settings(role));
    Evaluator evaluator = evaluator(role, network);
    Trainer trainer = new Trainer(backend, task, trainImages, evaluator, listener, stop);
    // The last point before a checkpoint could exist; the hash was computed in parallel until here.
    folder.writeConfig(
        new ConfigFile(
            config, backend.info(), backend.algorithms(), dataset.name(), datasetSha256.join()));
    List<EpochRecord> epochs;
    try {
      epochs = trainer.train(position, (at, stopping) -> checkpoint(role, network, at, stopping));
    } catch (NonFiniteException e) {
      throw new DistillException(
          ExitCode.NOT_FINITE,
          "%s; %s; %s; try a smaller --lr"
              .formatted(e.getMessage(), dump(e.state()), whichCheckpoint()),
          e);
    }
    List<NamedArray> parameters = network.save();
    folder.writeModel(role, parameters);
    Frozen done = frozen(role, parameters);
    finished.put(role, result(role, epochs, done.evaluation()));
    history.addAll(epochs);
    if (role == ModelRole.TEACHER) {
      teacher = done;
    }
  }

  /**
   * Writes the state and says in a clause where; a full disk is no reason to hide why the run ends.
   */
  private String dump(NonFiniteState state) {
    try {
      return "the state at that step is in " + folder.dump(state);
    } catch (DistillException e) {
      return "the state at that step is not kept: " + e.getMessage();
    }
  }

  /** Says in a clause which checkpoint there is. */
  private String whichCheckpoint() {
    return folder
        .lastCheckpoint()
        .map(file -> "the last checkpoint is kept, " + file)
        .orElse("there is no checkpoint yet");
  }

  private ModelResult result(ModelRole role, List<EpochRecord> epochs, Evaluation evaluation) {
    return new ModelResult(
        config.architecture(role).parameterCount(),
        // Frozen anew, the last weights may gain an image that they lacked in training's layout.
        epochs.stream()
            .mapToDouble(EpochRecord::testAccuracy)
            .reduce(evaluation.accuracy(), Math::max),
        evaluation.accuracy(),
        epochs.stream().mapToDouble(EpochRecord::seconds).sum(),
        epochs.getLast().loss(),
        teacher == null ? null : evaluation.agreement(teacher.evaluation()),
        null);
  }

  private TeacherSource teacherSource(LossSpec loss) {
    if (!loss.readsTeacher()) {
      return new TeacherSource.None();
    }
    if (config.recomputeTeacher()) {
      return new TeacherSource.Recomputed(teacher.network());
    }
    DatasetLogits cache = new DatasetLogits(backend, teacher.network(), trainImages);
    return new TeacherSource.Cached(
        cache.compute(
            done -> {
              listener.progress(new Work.TeacherLogits(), done, trainImages.size());
              stop.throwIfRequested("while the teacher's logits were computed");
            }));
  }

  private Evaluator evaluator(ModelRole role, Network network) {
    return new Evaluator(backend, role.toString(), network, testImages, dataset.testLabels());
  }

  /** Teacher and student draw from different streams; the baseline starts as the student does. */
  private long initialSeed(ModelRole role) {
    SplitMix64 seeds = new SplitMix64(config.seed());
    long teacher = seeds.nextLong();
    long student = seeds.nextLong();
    return role == ModelRole.TEACHER ? teacher : student;
  }

  private void checkpoint(
      ModelRole role, Network network, TrainingPosition position, boolean stopping) {
    List<EpochRecord> epochs = new ArrayList<>(history);
    epochs.addAll(position.history());
    int done = position.epoch() - 1;
    boolean due = stopping || done % saveEvery == 0 || done == config.settings(role).epochs();
    try {
      folder.writeHistory(epochs);
      if (due) {
        RunSnapshot snapshot = snapshot(role, network, position);
        snapshot.requireFinite(network);
        if (isResumable(backend)) {
          folder.save(snapshot);
        }
        failedSaves = 0;
      }
    } catch (DistillException e) {
      if (e.exitCode() != ExitCode.DISK || stopping || ++failedSaves == MOST_FAILED_SAVES) {
        throw e;
      }
      listener.warning(
          "%s. The last checkpoint is as it was; the run goes on and tries again (failed %d of %d)"
              .formatted(e.getMessage(), failedSaves, MOST_FAILED_SAVES));
    }
  }

  /** Returns about what a checkpoint takes: three arrays of the model, one of its teacher. */
  private long checkpointBytes(ModelRole role) {
    long floats = 3L * config.architecture(role).parameterCount();
    floats += teacher == null ? 0 : config.teacher().parameterCount();
    return floats * Float.BYTES + (1 << 20);
  }

  private RunSnapshot snapshot(ModelRole role, Network network, TrainingPosition position) {
    RunSnapshot.State state =
        new RunSnapshot.State(
            config,
            backend.info(),
            backend.algorithms(),
            datasetSha256.join(),
            new EnumMap<>(finished),
            role,
            position,
            List.copyOf(history),
            seconds());
    return new RunSnapshot(
        state, RunSnapshot.arrays(role, network, teacher == null ? null : teacher.network()));
  }

  private double seconds() {
    return secondsBefore + (System.nanoTime() - started) / 1e9;
  }
}
