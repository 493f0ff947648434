package io.github.distillcuda.emulator.fault;

/** The rules that a kernel can break. */
public enum FaultKind {
  /** An access that begins in, before or behind a known allocation and is not wholly inside it. */
  OUT_OF_BOUNDS("out of bounds"),
  /** An access to an address that belongs to nothing. */
  WILD_ADDRESS("wild address"),
  /** An access to memory that was freed. */
  USE_AFTER_FREE("use after free"),
  /** An address that is not a multiple of the access's size. */
  MISALIGNED("misaligned"),
  /** A read of bytes that nobody has written. */
  UNINITIALISED("uninitialised read"),
  /**
   * A byte that a launch writes and also reads by the read-only path, {@code ld.global.nc}: its
   * caches do not see writes, and the compiler may read again whenever it likes.
   */
  READ_ONLY("written and read by the read-only path"),
  /**
   * Two threads, or two nodes of a graph, the same byte, at least one plain write, and nothing that
   * orders them.
   */
  RACE("race"),
  /** A block barrier that not every thread of the block reaches, or not the same one. */
  DIVERGENT_BARRIER("divergent barrier"),
  /** A cluster barrier at which some thread cannot arrive, or waits without having arrived. */
  LOST_ARRIVAL("lost arrival"),
  /**
   * The shared memory of another block of the cluster, before it is known to run or after its end.
   */
  BLOCK_NOT_THERE("block not there"),
  /** A shuffle, vote, match or warp barrier whose member mask names a lane that does not come. */
  ABSENT_LANE("absent lane"),
  /** A factor of a matrix product that has more bits than its type: what counts is left open. */
  NOT_ROUNDED("not rounded"),
  /** A launch that goes on longer than its fuel: a loop that does not end. */
  RUNAWAY("runaway loop"),
  /** An integer division by zero, whose result PTX leaves open. */
  DIVISION_BY_ZERO("division by zero"),
  /** The kernel called {@code trap}, for example by a failing assertion. */
  TRAP("trap"),
  /** Legal PTX whose effect the emulator cannot judge; never ignored. */
  NOT_MODELLED("not modelled");

  private final String words;

  FaultKind(String words) {
    this.words = words;
  }

  @Override
  public String toString() {
    return words;
  }
}
