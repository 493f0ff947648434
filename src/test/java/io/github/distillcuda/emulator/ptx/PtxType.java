package io.github.distillcuda.emulator.ptx;

import java.util.Locale;
import java.util.Optional;

/** The fundamental types of PTX that appear in nvcc's output. */
public enum PtxType {
  PRED(0, Kind.PREDICATE),
  B8(1, Kind.BITS),
  U8(1, Kind.UNSIGNED),
  S8(1, Kind.SIGNED),
  B16(2, Kind.BITS),
  U16(2, Kind.UNSIGNED),
  S16(2, Kind.SIGNED),
  F16(2, Kind.FLOAT),
  BF16(2, Kind.FLOAT),
  B32(4, Kind.BITS),
  U32(4, Kind.UNSIGNED),
  S32(4, Kind.SIGNED),
  F32(4, Kind.FLOAT),
  B64(8, Kind.BITS),
  U64(8, Kind.UNSIGNED),
  S64(8, Kind.SIGNED),
  F64(8, Kind.FLOAT);

  /** How the bits of a type are read. */
  public enum Kind {
    PREDICATE,
    BITS,
    UNSIGNED,
    SIGNED,
    FLOAT
  }

  private final int bytes;
  private final Kind kind;

  PtxType(int bytes, Kind kind) {
    this.bytes = bytes;
    this.kind = kind;
  }

  /** Size in memory; 0 for a predicate, which has none. */
  public int bytes() {
    return bytes;
  }

  public Kind kind() {
    return kind;
  }

  /** The name without its dot, as in a mnemonic: {@code f32}. */
  public String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Finds the type of a directive such as {@code .f32}. */
  public static Optional<PtxType> ofDirective(String word) {
    for (PtxType type : values()) {
      if (word.equals("." + type.suffix())) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
