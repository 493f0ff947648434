package io.github.distillcuda.emulator.memory;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Which bytes of device memory an operation read, and which it wrote. */
public final class Footprint {
  private final Map<Region, BitSet> read = new LinkedHashMap<>();
  private final Map<Region, BitSet> written = new LinkedHashMap<>();

  void addRead(Region region, int offset, int length) {
    add(read, region, offset, length);
  }

  void addWrite(Region region, int offset, int length) {
    add(written, region, offset, length);
  }

  private static void add(Map<Region, BitSet> bytes, Region region, int offset, int length) {
    bytes.computeIfAbsent(region, _ -> new BitSet()).set(offset, offset + length);
  }

  /**
   * Returns where it matters which of two operations is done first: a byte that one of them writes
   * and the other reads or writes. Says it of this operation as "one" and of the other as "other".
   */
  public Optional<String> conflictWith(Footprint other) {
    return overlap("one writes and the other reads", written, other.read)
        .or(() -> overlap("both write", written, other.written))
        .or(() -> overlap("one reads and the other writes", read, other.written));
  }

  private static Optional<String> overlap(
      String what, Map<Region, BitSet> ours, Map<Region, BitSet> theirs) {
    for (Map.Entry<Region, BitSet> entry : ours.entrySet()) {
      BitSet common = theirs.get(entry.getKey());
      if (common != null && common.intersects(entry.getValue())) {
        common = (BitSet) common.clone();
        common.and(entry.getValue());
        return Optional.of(what + " " + entry.getKey().describe(common.nextSetBit(0)));
      }
    }
    return Optional.empty();
  }
}
