/**
 * Model files in safetensors and PyTorch's format, and the checkpoints of a run. May import {@code
 * tensor}, {@code pickle}, {@code failure} and gson.
 *
 * <p>{@link io.github.distillcuda.checkpoint.ModelFiles} reads and writes weights, {@link
 * io.github.distillcuda.checkpoint.StateDict} fits them to a model, {@link
 * io.github.distillcuda.checkpoint.CheckpointFolder} keeps what a run resumes from, and {@link
 * io.github.distillcuda.checkpoint.AtomicFile} is the only way anything is written.
 */
package io.github.distillcuda.checkpoint;
