/**
 * Model files in safetensors and PyTorch's format, and the checkpoints of a run. May import {@code
 * tensor} and {@code failure}.
 */
package io.github.distillcuda.checkpoint;
