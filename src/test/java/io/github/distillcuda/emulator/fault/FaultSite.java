package io.github.distillcuda.emulator.fault;

/**
 * Where a kernel was when it failed.
 *
 * @param source the CUDA source line, as in {@code loss.cu:46}, and the lines inlined there
 * @param instruction the PTX mnemonic
 * @param thread index in its block
 * @param block index in its grid
 */
public record FaultSite(
    String kernel, String source, String instruction, String thread, String block) {
  @Override
  public String toString() {
    return "in kernel %s at %s (%s), thread %s of block %s"
        .formatted(kernel, source, instruction, thread, block);
  }
}
