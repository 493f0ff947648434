package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Warp;

/** {@code [register+offset]}, for all lanes at once. */
sealed interface AddressOperand {
  /** Writes the addresses of the given lanes to {@link Warp#addresses}. */
  void resolve(Warp warp, int lanes);

  /** A 64-bit base. */
  record OfWide(int row, long offset) implements AddressOperand {
    @Override
    public void resolve(Warp warp, int lanes) {
      long[] base = warp.wides[row];
      for (int lane = 0; lane < Warp.SIZE; lane++) {
        warp.addresses[lane] = base[lane] + offset;
      }
    }
  }

  /** A 32-bit base, as shared and local addresses may have. */
  record OfWord(int row, long offset) implements AddressOperand {
    @Override
    public void resolve(Warp warp, int lanes) {
      int[] base = warp.words[row];
      for (int lane = 0; lane < Warp.SIZE; lane++) {
        warp.addresses[lane] = Integer.toUnsignedLong(base[lane]) + offset;
      }
    }
  }
}
