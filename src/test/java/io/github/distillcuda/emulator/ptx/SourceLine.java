package io.github.distillcuda.emulator.ptx;

import java.util.Optional;

/**
 * The line of CUDA source that an instruction was made from ({@code -lineinfo} writes it as {@code
 * .loc}), with the line that it was inlined into, if any.
 */
public record SourceLine(String file, int line, Optional<SourceLine> inlinedInto) {
  public static final SourceLine UNKNOWN = new SourceLine("unknown source", 0, Optional.empty());

  /** The line in the kernel's own body: what is left when all inlining is undone. */
  public SourceLine outermost() {
    return inlinedInto.map(SourceLine::outermost).orElse(this);
  }

  /**
   * For example {@code loss.cu:46}, or {@code loss.cu:46 > warp.cuh:12} where line 12 is inlined.
   */
  @Override
  public String toString() {
    String here = file.substring(file.lastIndexOf('/') + 1) + ":" + line;
    return inlinedInto.map(outer -> outer + " > " + here).orElse(here);
  }
}
