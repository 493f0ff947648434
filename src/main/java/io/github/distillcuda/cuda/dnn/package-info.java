/**
 * What cuDNN computes for one shape: descriptors, algorithm and workspace, chosen once. Part of the
 * layer {@code cuda}; every tensor is packed, float32 in NCHW or bfloat16 in NHWC.
 */
package io.github.distillcuda.cuda.dnn;
