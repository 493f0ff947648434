/**
 * A PTX interpreter: runs the very PTX that ships, on any machine, and checks every access.
 *
 * <p>Start with {@link io.github.distillcuda.emulator.PtxModule#parse}, {@link
 * io.github.distillcuda.emulator.memory.EmulatedMemory} and {@link
 * io.github.distillcuda.emulator.Launch}. The layers, from the bottom: {@code ptx} reads text,
 * {@code fault} and {@code memory} check accesses, {@code machine} runs warps, {@code op} says what
 * each instruction does. native-notes/emulator.md says what it promises and what not.
 */
package io.github.distillcuda.emulator;
