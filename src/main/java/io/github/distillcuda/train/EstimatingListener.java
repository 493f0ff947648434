package io.github.distillcuda.train;

import io.github.distillcuda.nn.Architecture;

/**
 * Passes everything on, and after the first steps of training says once how long the whole run will
 * take, from the multiply-adds that are left and the rate of those that are done.
 */
final class EstimatingListener implements TrainingListener {
  /** Steps are slow at first, while methods are compiled; look no earlier than this. */
  private static final double SECONDS_TO_WATCH = 2;

  private final TrainingListener listener;
  private final int trainImages;
  private final RunConfig config;
  private ModelRole training;
  private double workLeft;
  private long started;
  private int startedAt = -1;
  private boolean said;

  EstimatingListener(RunConfig config, int trainImages, TrainingListener listener) {
    this.listener = listener;
    this.config = config;
    this.trainImages = trainImages;
  }

  private double workOf(ModelRole role, int epochs) {
    return (double) epochs * trainImages * workPerImage(role);
  }

  /** A training step costs about three forward passes; a recomputed teacher one more of its own. */
  private double workPerImage(ModelRole role) {
    Architecture architecture = config.architecture(role);
    boolean teacherToo = role == ModelRole.STUDENT && config.recomputeTeacher();
    return 3.0 * architecture.forwardMultiplyAdds()
        + (teacherToo ? config.teacher().forwardMultiplyAdds() : 0);
  }

  @Override
  public void trainingStarted(TrainingTask task, TrainingPosition position) {
    for (ModelRole role : ModelRole.values()) {
      if (role.toString().equals(task.model())) {
        training = role;
      }
    }
    startedAt = -1;
    workLeft = -workOf(training, position.epoch() - 1);
    for (ModelRole role : config.models()) {
      if (role.compareTo(training) >= 0) {
        workLeft += workOf(role, config.settings(role).epochs());
      }
    }
    listener.trainingStarted(task, position);
  }

  @Override
  public void progress(String work, int done, int total) {
    listener.progress(work, done, total);
    if (said || training == null || !work.startsWith(training + " epoch")) {
      return;
    }
    if (startedAt < 0) {
      started = System.nanoTime();
      startedAt = done;
      return;
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    if (seconds > SECONDS_TO_WATCH) {
      said = true;
      double rate = (done - startedAt) * workPerImage(training) / seconds;
      listener.estimate(workLeft / rate);
    }
  }

  @Override
  public void epochDone(EpochRecord epoch) {
    startedAt = -1;
    workLeft -= training == null ? 0 : workOf(training, 1);
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
