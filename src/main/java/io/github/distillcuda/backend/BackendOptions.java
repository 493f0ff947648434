package io.github.distillcuda.backend;

/**
 * What the user may choose of a backend.
 *
 * @param threads CPU threads, 0 for as many as there are processors
 * @param deterministic whether two runs must give the same bits
 */
public record BackendOptions(int threads, boolean deterministic) {
  /** All processors, deterministic. */
  public static final BackendOptions DEFAULT = new BackendOptions(0, true);
}
