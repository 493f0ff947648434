/**
 * What cuDNN computes for one shape: descriptors, algorithm and workspace, chosen once. Part of the
 * layer {@code cuda}; every tensor is float32, NCHW and packed.
 */
package io.github.distillcuda.cuda.dnn;
