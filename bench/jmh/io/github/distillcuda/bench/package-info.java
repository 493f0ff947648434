/** Runs the JMH benchmarks, which lie in the packages of what they measure. */
package io.github.distillcuda.bench;
