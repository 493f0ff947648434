/**
 * Times the kernels on a GPU: graphs of launches between events, beside the bandwidth of a copy in
 * the same run. Run by {@code bench/run-gpu.sh}; nothing of the program depends on it.
 */
package io.github.distillcuda.bench;
