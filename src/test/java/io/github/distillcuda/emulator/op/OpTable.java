package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Every mnemonic that the emulator knows. What is not here is rejected when a module is loaded. */
public final class OpTable {
  /** Turns an instruction's operands into its operation. */
  interface Decoder {
    WarpInstruction decode(Operands operands, Approximation approximation);
  }

  /** The decoder of an operation that is not approximate. */
  interface ExactDecoder {
    WarpInstruction decode(Operands operands);
  }

  private static final OpTable TABLE = new OpTable();

  static {
    IntegerOps.addTo(TABLE);
    BitOps.addTo(TABLE);
    FloatOps.addTo(TABLE);
    Bfloat16Ops.addTo(TABLE);
    DoubleOps.addTo(TABLE);
    ApproximateOps.addTo(TABLE);
    CompareOps.addTo(TABLE);
    ConvertOps.addTo(TABLE);
    MoveOps.addTo(TABLE);
    MemoryOps.addTo(TABLE);
    AtomicOps.addTo(TABLE);
    WarpOps.addTo(TABLE);
    MatrixOps.addTo(TABLE);
    ControlOps.addTo(TABLE);
  }

  private final Map<String, Decoder> decoders = new TreeMap<>();

  private OpTable() {}

  static Optional<Decoder> find(String mnemonic) {
    return Optional.ofNullable(TABLE.decoders.get(mnemonic));
  }

  /** All mnemonics, in alphabetical order. */
  public static Set<String> mnemonics() {
    return Collections.unmodifiableSet(TABLE.decoders.keySet());
  }

  void add(String mnemonic, ExactDecoder decoder) {
    addApproximate(mnemonic, (operands, approximation) -> decoder.decode(operands));
  }

  void addApproximate(String mnemonic, Decoder decoder) {
    if (decoders.put(mnemonic, decoder) != null) {
      throw new IllegalStateException(mnemonic + " is defined twice");
    }
  }
}
