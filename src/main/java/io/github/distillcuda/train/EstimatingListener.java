package io.github.distillcuda.train;

import java.util.function.LongSupplier;

/**
 * Passes everything on, and once says how long the rest of the run will take: from the
 * multiply-adds that are left and the rate of those that were seen done, in training and in the
 * tests between its epochs. An epoch may be short: what is seen adds up over epochs and models.
 */
final class EstimatingListener implements TrainingListener {
  /** Steps are slow at first, while methods are compiled; look no earlier than this. */
  private static final double SECONDS_TO_WATCH = 2;

  private final TrainingListener listener;
  private final RunConfig config;
  private final int trainImages;
  private final int testImages;
  private final LongSupplier nanoTime;
  private ModelRole training;

  /** Multiply-adds of the run that come after the epoch in progress and its test. */
  private double workAfterEpoch;

  /**
   * Whether {@link #seenAt} and {@link #workLeft} are of this model, so that they can be compared.
   */
  private boolean watching;

  /** When progress was last heard of, and the multiply-adds that were left of the run then. */
  private long seenAt;

  private double workLeft;

  /** All time that was watched, and the multiply-adds done in it. */
  private double secondsSeen;

  private double workSeen;
  private boolean announced;

  EstimatingListener(RunConfig config, int trainImages, int testImages, TrainingListener listener) {
    this(config, trainImages, testImages, listener, System::nanoTime);
  }

  /** The same with a clock in nanoseconds. */
  EstimatingListener(
      RunConfig config,
      int trainImages,
      int testImages,
      TrainingListener listener,
      LongSupplier nanoTime) {
    this.listener = listener;
    this.config = config;
    this.trainImages = trainImages;
    this.testImages = testImages;
    this.nanoTime = nanoTime;
  }

  /** A training step costs about three forward passes; a recomputed teacher one more of its own. */
  private double trainingWork(ModelRole role, int images) {
    double perImage = 3 * forwardWork(role, 1);
    if (readsTeacher(role) && config.recomputeTeacher()) {
      perImage += forwardWork(ModelRole.TEACHER, 1);
    }
    return images * perImage;
  }

  private double forwardWork(ModelRole role, int images) {
    return (double) images * config.architecture(role).forwardMultiplyAdds();
  }

  private boolean readsTeacher(ModelRole role) {
    return role == ModelRole.STUDENT && config.alpha() > 0;
  }

  /** So many epochs with their tests, and the test of the model that was saved. */
  private double workOfEpochs(ModelRole role, int epochs) {
    return epochs * trainingWork(role, trainImages) + (epochs + 1) * forwardWork(role, testImages);
  }

  private double workOf(ModelRole role) {
    boolean cached = readsTeacher(role) && !config.recomputeTeacher();
    return workOfEpochs(role, config.settings(role).epochs())
        + (cached ? forwardWork(ModelRole.TEACHER, trainImages) : 0);
  }

  @Override
  public void trainingStarted(TrainingTask task, TrainingPosition position) {
    training = task.role();
    workAfterEpoch = workOfEpochs(training, config.settings(training).epochs() - position.epoch());
    for (ModelRole role : config.models()) {
      if (role.compareTo(training) > 0) {
        workAfterEpoch += workOf(role);
      }
    }
    // The time between two models, as of recording the steps, has no multiply-adds: not counted.
    watching = false;
    listener.trainingStarted(task, position);
  }

  @Override
  public void progress(Work work, int done, int total) {
    listener.progress(work, done, total);
    if (announced || !(work instanceof Work.Epoch)) {
      return;
    }
    long now = nanoTime.getAsLong();
    double left =
        trainingWork(training, total - done) + forwardWork(training, testImages) + workAfterEpoch;
    if (watching) {
      secondsSeen += (now - seenAt) / 1e9;
      workSeen += workLeft - left;
    }
    watching = true;
    seenAt = now;
    workLeft = left;
    if (secondsSeen > SECONDS_TO_WATCH) {
      announced = true;
      listener.estimate(secondsSeen / workSeen * left);
    }
  }

  @Override
  public void epochDone(EpochRecord epoch) {
    workAfterEpoch -= workOfEpochs(training, 1) - workOfEpochs(training, 0);
    listener.epochDone(epoch);
  }

  @Override
  public void estimate(double seconds) {
    listener.estimate(seconds);
  }

  @Override
  public void note(String line) {
    listener.note(line);
  }

  @Override
  public void warning(String line) {
    listener.warning(line);
  }
}
