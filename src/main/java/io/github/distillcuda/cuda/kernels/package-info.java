/**
 * What the committed PTX under {@code kernels/} holds: for each kernel its symbol, parameters,
 * launch configuration, buffers and floor of traffic, as one table that the launcher, the tests and
 * the bench read. Part of the layer {@code cuda}; imports nothing of this project. A test compares
 * every parameter list with the PTX.
 */
package io.github.distillcuda.cuda.kernels;
