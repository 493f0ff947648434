// The threads that share a row: a block, or a cluster of blocks that read each other's shared
// memory (sm_90). Reductions over them are exchanged by pushing: every warp writes its part into
// every block of the group, so one barrier orders the lot and the parts are then read at home.
#pragma once
#include "warp_reduction.cuh"

__device__ __forceinline__ unsigned blockOfCluster() {
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// The same place in the shared memory of another block of the cluster.
__device__ __forceinline__ void storeInBlock(float* place, unsigned rank, float x) {
  const unsigned here = static_cast<unsigned>(__cvta_generic_to_shared(place));
  unsigned there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(here), "r"(rank));
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(x) : "memory");
}

__device__ __forceinline__ void arriveAtCluster() {
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
}

__device__ __forceinline__ void waitForCluster() {
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}

template <int THREADS, int BLOCKS>
struct RowGroup {
  static constexpr int WARPS = THREADS / 32;
  static constexpr int PARTS = WARPS * BLOCKS;

  // One value of each warp of the group, and whether something holds in it.
  template <int VALUES>
  struct Parts {
    float values[VALUES][PARTS];
    float flags[PARTS];
  };

  // The block's rank in the group, and the row that the group has.
  __device__ static int rank() { return BLOCKS == 1 ? 0 : blockOfCluster(); }
  __device__ static int row() { return blockIdx.x / BLOCKS; }

  // No block may be written to before it runs: enter() when a kernel begins, and awaitEntry() before
  // anything else is done with the group.
  __device__ static void enter() {
    if (BLOCKS > 1) arriveAtCluster();
  }
  __device__ static void awaitEntry() {
    if (BLOCKS > 1) waitForCluster();
  }

  // Writes a value that one thread has into every block, which may read it after the next reduction.
  __device__ static void tell(float& place, float x) {
    if (BLOCKS == 1) {
      place = x;
    } else {
#pragma unroll 1
      for (int block = 0; block < BLOCKS; ++block) storeInBlock(&place, block, x);
    }
  }

  // Reduces some values over the group, in an order that is always the same, and returns whether the
  // flag is set anywhere; every thread gets the same bits. Each call has parts of its own, so nothing
  // is written that others may still read, and nobody writes into another block after the last call's
  // barrier: blocks may end at any time.
  template <int VALUES, typename Combine>
  __device__ static __forceinline__ bool reduce(
      float (&x)[VALUES], bool flag, Combine combine, Parts<VALUES>& parts) {
    butterfly<32>(x, combine);
    const float anyOfWarp = __any_sync(FULL_WARP, flag) ? 1.0f : 0.0f;
    const int lane = threadIdx.x % 32;
    const int part = rank() * WARPS + threadIdx.x / 32;
    if (BLOCKS == 1) {
      if (lane == 0) {
#pragma unroll
        for (int i = 0; i < VALUES; ++i) parts.values[i][part] = x[i];
        parts.flags[part] = anyOfWarp;
      }
      __syncthreads();
    } else {
      if (lane < BLOCKS) {
#pragma unroll
        for (int i = 0; i < VALUES; ++i) storeInBlock(&parts.values[i][part], lane, x[i]);
        storeInBlock(&parts.flags[part], lane, anyOfWarp);
      }
      arriveAtCluster();
      waitForCluster();
    }
    // Fewer parts than lanes are read by several lanes, which then reduce the same ones.
    constexpr int READERS = PARTS < 32 ? PARTS : 32;
    const int mine = lane % READERS;
    float any = parts.flags[mine];
#pragma unroll
    for (int i = 0; i < VALUES; ++i) x[i] = parts.values[i][mine];
#pragma unroll
    for (int next = READERS; next < PARTS; next += READERS) {
      any = fmaxf(any, parts.flags[next + mine]);
#pragma unroll
      for (int i = 0; i < VALUES; ++i) x[i] = combine(x[i], parts.values[i][next + mine]);
    }
    butterfly<READERS>(x, combine);
    return __any_sync(FULL_WARP, any != 0.0f);
  }
};

// Which vectors of a row a thread has, if a group of threads holds all of it: first, and then every
// THREADS-th before the end.
struct HeldVectors {
  int first;
  int end;
};

template <int THREADS, int BLOCKS>
__device__ __forceinline__ HeldVectors heldVectors(int vectors) {
  constexpr int PER_LINE = 8;  // vectors of a line of 128 bytes, which no two blocks share
  const int perBlock = (vectors + BLOCKS * PER_LINE - 1) / (BLOCKS * PER_LINE) * PER_LINE;
  const int start = RowGroup<THREADS, BLOCKS>::rank() * perBlock;
  return {start + static_cast<int>(threadIdx.x), min(start + perBlock, vectors)};
}
