package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.ptx.Entry;
import java.util.List;

/**
 * A decoded kernel.
 *
 * @param entry what it was decoded from: names, parameters, variables, source lines
 * @param operations one for each instruction of the entry
 */
public record Program(
    Entry entry, List<WarpInstruction> operations, RegisterFile registers, ArrayLayout arrays) {}
