package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.KernelLaunch;

/**
 * One piece of work of a step.
 *
 * @param work what it does
 * @param branch where it runs
 * @param kind what runs it
 * @param launch of a kernel of ours; null for anything else
 * @param enqueue appends it to its stream; allocates nothing on the device and does not wait
 */
record Operation(Work work, Branch branch, Kind kind, KernelLaunch launch, Runnable enqueue) {
  enum Kind {
    /** A call of a library, which overwrites nothing that a step does not overwrite first. */
    LIBRARY,
    /** A kernel of ours. */
    KERNEL,
    /** An edge between branches. */
    ORDER
  }
}
