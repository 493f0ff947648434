/**
 * Runs decoded kernels: warps of 32 lanes, their reconvergence, block barriers, and the counters.
 * What an instruction does is an {@link io.github.distillcuda.emulator.machine.WarpInstruction},
 * which the package {@code op} makes. Imports {@code ptx}, {@code memory}, {@code fault} and the
 * JDK.
 */
package io.github.distillcuda.emulator.machine;
