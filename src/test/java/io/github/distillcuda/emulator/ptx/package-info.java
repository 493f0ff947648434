/**
 * Reads PTX text, as nvcc writes it, into entries made of instructions; knows nothing of what an
 * instruction does. The bottom layer of the emulator: it imports the JDK only.
 */
package io.github.distillcuda.emulator.ptx;
