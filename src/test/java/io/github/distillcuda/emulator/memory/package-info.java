/**
 * Memory that remembers who touched each byte: bounds, alignment, initialisation and races are
 * checked on every access. Knows threads only as {@link io.github.distillcuda.emulator.memory.Stamp
 * stamps}; imports {@code fault} and the JDK.
 */
package io.github.distillcuda.emulator.memory;
