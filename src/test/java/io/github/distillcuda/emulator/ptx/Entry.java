package io.github.distillcuda.emulator.ptx;

import java.util.List;
import java.util.Map;

/**
 * One {@code .entry}: a kernel as text, ready to be decoded.
 *
 * @param registers every register by its unique name: one that is declared in an inner block has
 *     the block's number behind its name
 * @param variables the shared and local variables it may name, the module's shared ones included
 * @param labels label to index of the instruction behind it
 * @param maxThreads the product of {@code .maxntid}: a larger block cannot be launched
 * @param clusterBlocks the product of {@code .reqnctapercluster}: blocks of a cluster, 1 without
 */
public record Entry(
    String name,
    List<Parameter> parameters,
    Map<String, PtxType> registers,
    List<Variable> variables,
    List<Instruction> instructions,
    Map<String, Integer> labels,
    int maxThreads,
    int clusterBlocks) {}
