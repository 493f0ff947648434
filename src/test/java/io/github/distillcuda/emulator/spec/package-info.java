/**
 * What every shipped kernel must do: one table of cases ({@link
 * io.github.distillcuda.emulator.spec.KernelSpecs}) with inputs, float64 oracles and tolerances,
 * run on the emulator. Imports {@code emulator}, {@code cuda.kernels} and the JDK; the oracles
 * share no code with what they judge.
 */
package io.github.distillcuda.emulator.spec;
