package io.github.distillcuda.train;

/** Hears what happens in a run; called on the thread that trains. All methods do nothing here. */
public interface TrainingListener {
  /** A model's training starts or goes on. */
  default void trainingStarted(TrainingTask task, TrainingPosition position) {}

  /**
   * Images of the current piece of work are done.
   *
   * @param work what is being done
   * @param done images done
   * @param total images in all
   */
  default void progress(Work work, int done, int total) {}

  /** An epoch was trained and evaluated. */
  default void epochDone(EpochRecord epoch) {}

  /** A step of training takes so long that the whole run will last about {@code seconds} more. */
  default void estimate(double seconds) {}

  /** Something the user should know; one line. */
  default void note(String line) {}

  /** Something that may need the user, such as a checkpoint that could not be saved; one line. */
  default void warning(String line) {}
}
