package io.github.distillcuda.backend.cuda;

/**
 * One piece of work of a step.
 *
 * @param name what it does, for people
 * @param kind what runs it
 * @param enqueue appends it to its stream; allocates nothing on the device and does not wait
 */
record Operation(String name, Kind kind, Runnable enqueue) {
  enum Kind {
    /** A call of a library, which overwrites nothing that a step does not overwrite first. */
    LIBRARY,
    /** A kernel of ours. */
    KERNEL,
    /** An edge between branches. */
    ORDER
  }
}
