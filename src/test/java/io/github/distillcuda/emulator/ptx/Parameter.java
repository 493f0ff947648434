package io.github.distillcuda.emulator.ptx;

/**
 * A kernel parameter.
 *
 * @param type of a scalar; {@code B8} for a struct that is passed by value
 * @param offset of its first byte in the parameter block
 * @param bytes its size: the type's, or the whole struct's
 */
public record Parameter(String name, PtxType type, int offset, int bytes) {}
