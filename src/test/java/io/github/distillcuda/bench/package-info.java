/**
 * Times the kernels on a GPU: graphs of launches between events, beside the bandwidth of a copy in
 * the same run. Run by {@code bench/run-gpu.sh}; nothing of the program depends on it.
 *
 * <p>{@code HostBenchmarks} runs the JMH benchmarks of {@code bench/jmh}, which lie in the packages
 * of what they measure.
 */
package io.github.distillcuda.bench;
