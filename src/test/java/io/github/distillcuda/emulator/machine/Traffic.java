package io.github.distillcuda.emulator.machine;

import java.util.Arrays;

/**
 * Counts how the memory system sees a warp's accesses. A request is one warp instruction that
 * touches memory.
 */
public final class Traffic {
  /** The size of the smallest piece that the memory system moves. */
  private static final int SECTOR_SHIFT = 5;

  private static final int BANKS = 32;

  /** What is counted apart. */
  public enum Kind {
    GLOBAL_LOAD,
    GLOBAL_STORE,
    GLOBAL_ATOMIC,
    SHARED_LOAD,
    SHARED_STORE,
    SHARED_ATOMIC,
    CLUSTER_LOAD,
    CLUSTER_STORE,
    LOCAL_LOAD,
    LOCAL_STORE
  }

  private final long[] requests = new long[Kind.values().length];
  private final long[] sectors = new long[Kind.values().length];
  private final long[] distinct = new long[Warp.SIZE];
  private final long[] wordOfBank = new long[BANKS];
  private final int[] wordsOfBank = new int[BANKS];
  private long bankConflicts;

  /** Requests of a kind. */
  public long requests(Kind kind) {
    return requests[kind.ordinal()];
  }

  /**
   * Sectors of 32 bytes that the requests of a kind touch, summed; of the global kinds only. A warp
   * that reads 32 neighbouring floats touches 4.
   */
  public long sectors(Kind kind) {
    return sectors[kind.ordinal()];
  }

  /** Extra passes over shared memory because lanes wanted different words of one bank. */
  public long bankConflicts() {
    return bankConflicts;
  }

  /** Counts one request. */
  public void count(Kind kind, long[] addresses, int lanes, int width) {
    requests[kind.ordinal()]++;
    switch (kind) {
      case GLOBAL_LOAD, GLOBAL_STORE, GLOBAL_ATOMIC ->
          sectors[kind.ordinal()] += distinctSectors(addresses, lanes);
      case SHARED_LOAD, SHARED_STORE, SHARED_ATOMIC ->
          bankConflicts += conflicts(addresses, lanes, width);
      case CLUSTER_LOAD, CLUSTER_STORE -> {} // the network between blocks: requests only
      case LOCAL_LOAD, LOCAL_STORE -> {} // interleaved by lane: always as good as can be
    }
  }

  /** An access of at most 16 aligned bytes lies in one sector. */
  private int distinctSectors(long[] addresses, int lanes) {
    int count = 0;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      long sector = addresses[Integer.numberOfTrailingZeros(rest)] >> SECTOR_SHIFT;
      // Neighbouring lanes mostly share a sector: look at the newest first.
      int i = count - 1;
      while (i >= 0 && distinct[i] != sector) {
        i--;
      }
      if (i < 0) {
        distinct[count++] = sector;
      }
    }
    return count;
  }

  /**
   * Shared memory has 32 banks of four bytes; lanes that want the same word share it. Wider
   * accesses take turns: half a warp for 8 bytes a lane, a quarter for 16.
   */
  private int conflicts(long[] addresses, int lanes, int width) {
    int lanesInTurn = Math.min(Warp.SIZE, Warp.SIZE * Integer.BYTES / width);
    int conflicts = 0;
    for (int first = 0; first < Warp.SIZE; first += lanesInTurn) {
      int turn = lanes & (int) ((1L << lanesInTurn) - 1) << first;
      if (turn != 0) {
        conflicts += passes(addresses, turn, width) - 1;
      }
    }
    return conflicts;
  }

  /** The largest number of different words that one bank is asked for. */
  private int passes(long[] addresses, int lanes, int width) {
    int words = Math.max(1, width / Integer.BYTES);
    int busyBanks = 0;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      long firstWord = addresses[Integer.numberOfTrailingZeros(rest)] >> 2;
      for (long word = firstWord; word < firstWord + words; word++) {
        int bank = (int) word & (BANKS - 1);
        if ((busyBanks >>> bank & 1) == 0) {
          busyBanks |= 1 << bank;
          wordOfBank[bank] = word;
        } else if (wordOfBank[bank] != word) {
          return passesOfConflict(addresses, lanes, words);
        }
      }
    }
    return 1;
  }

  /** The general case of {@link #passes}, for the few requests that do conflict. */
  private int passesOfConflict(long[] addresses, int lanes, int words) {
    int count = 0;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      long firstWord = addresses[Integer.numberOfTrailingZeros(rest)] >> 2;
      for (int i = 0; i < words; i++) {
        distinct[count++] = firstWord + i;
      }
    }
    Arrays.sort(distinct, 0, count);
    Arrays.fill(wordsOfBank, 0);
    int passes = 0;
    for (int i = 0; i < count; i++) {
      if (i == 0 || distinct[i] != distinct[i - 1]) {
        passes = Math.max(passes, ++wordsOfBank[(int) distinct[i] & (BANKS - 1)]);
      }
    }
    return passes;
  }
}
