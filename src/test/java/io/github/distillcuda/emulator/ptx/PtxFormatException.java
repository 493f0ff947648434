package io.github.distillcuda.emulator.ptx;

/** PTX that the emulator does not understand: which line, and which word of it. */
public final class PtxFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public PtxFormatException(int ptxLine, String problem) {
    super("PTX line " + ptxLine + ": " + problem);
  }
}
