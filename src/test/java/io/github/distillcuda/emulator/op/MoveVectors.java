package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.List;

/** Moves; packing and unpacking is tested by PackingTest. */
final class MoveVectors {
  private MoveVectors() {}

  static List<VectorCase> all() {
    List<VectorCase> cases = new ArrayList<>();
    for (PtxType type : PtxType.values()) {
      if (type.bytes() != 1 && type != PtxType.F16 && type != PtxType.BF16) {
        cases.add(VectorCase.of("mov." + type.suffix(), type, List.of(type), v -> v[0]));
      }
    }
    return cases;
  }
}
