package io.github.distillcuda.backend.onednn;

/** One recorded operation: all it needs is bound, running it allocates nothing. */
interface Operation {
  /** Returns what it does, for people: layer, direction and implementation. */
  String name();

  /** Runs it to its end. */
  void run();
}
