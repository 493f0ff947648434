package io.github.distillcuda.emulator.memory;

/**
 * Where things lie in the 64-bit generic address space. Every region has a window of its own, far
 * wider than the region and with the region in its middle, so that a stray address is out of bounds
 * of the region it strayed from and never hits another one. It also means that guard bands have
 * nothing to add here.
 */
public final class AddressMap {
  /** Added to a shared address by {@code cvta.shared}. */
  public static final long SHARED_WINDOW = 1L << 36;

  /** Added to a local address by {@code cvta.local}. */
  public static final long LOCAL_WINDOW = 1L << 37;

  /** Size of the two windows above. */
  private static final long WINDOW_SIZE = 1L << 32;

  private static final long GLOBAL_BASE = 1L << 40;
  private static final int GLOBAL_SHIFT = 33;
  private static final int ARRAY_SHIFT = 20;

  /** Above this bit a shared address of a cluster holds the rank of its block, counted from 1. */
  private static final int RANK_SHIFT = 26;

  private AddressMap() {}

  /** The address in the whole cluster's shared memory of an address in the own block's. */
  public static long clusterAddress(long sharedAddress, int rank) {
    return withinBlock(sharedAddress) | (rank + 1L) << RANK_SHIFT;
  }

  /** The rank of the block that a cluster address lies in; -1 for an own shared address. */
  public static int rankOf(long clusterAddress) {
    return (int) (clusterAddress >> RANK_SHIFT) - 1;
  }

  /** The address that a cluster address has within its block. */
  public static long withinBlock(long clusterAddress) {
    return clusterAddress & (1L << RANK_SHIFT) - 1;
  }

  public static boolean isShared(long genericAddress) {
    return genericAddress >= SHARED_WINDOW && genericAddress < SHARED_WINDOW + WINDOW_SIZE;
  }

  public static boolean isLocal(long genericAddress) {
    return genericAddress >= LOCAL_WINDOW && genericAddress < LOCAL_WINDOW + WINDOW_SIZE;
  }

  /** The address of the {@code index}-th allocation. */
  static long globalAddress(int index) {
    return GLOBAL_BASE + ((long) index << GLOBAL_SHIFT) + (1L << (GLOBAL_SHIFT - 1));
  }

  /** The allocation whose window an address lies in; negative if none can. */
  static long globalIndex(long address) {
    return (address - GLOBAL_BASE) >> GLOBAL_SHIFT;
  }

  /** The address, within its space, of the {@code index}-th shared or local array of a kernel. */
  public static long arrayAddress(int index) {
    return ((long) index << ARRAY_SHIFT) + (1L << (ARRAY_SHIFT - 1));
  }

  static long arrayIndex(long address) {
    return address >> ARRAY_SHIFT;
  }
}
