// Reductions over a tile: LANES neighbouring lanes of one warp, a power of two. All 32 lanes of the warp take
// part, and every lane of a tile gets the same bits.
#pragma once
#include <cfloat>

constexpr unsigned FULL_WARP = 0xffffffffu;

// What a maximum starts from, or an absent logit is, where a difference of two must be a number; like -inf it
// has a probability of 0.
constexpr float LOWEST = -FLT_MAX;

struct Largest {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};

// Combines some values over the tile: the same pairs in every lane.
template <int LANES, int VALUES, typename Combine>
__device__ __forceinline__ void butterfly(float (&x)[VALUES], Combine combine) {
#pragma unroll
  for (int offset = LANES / 2; offset > 0; offset /= 2) {
#pragma unroll
    for (int i = 0; i < VALUES; ++i) {
      x[i] = combine(x[i], __shfl_xor_sync(FULL_WARP, x[i], offset));
    }
  }
}

template <int LANES>
__device__ __forceinline__ float tileSum(float x) {
  float sum[1] = {x};
  butterfly<LANES>(sum, Sum());
  return sum[0];
}

// Whether the predicate holds in any lane of the tile.
template <int LANES>
__device__ __forceinline__ bool tileAny(bool predicate) {
  const unsigned votes = __ballot_sync(FULL_WARP, predicate);
  if (LANES == 32) return votes != 0;
  const unsigned firstLane = threadIdx.x & 31 & ~(LANES - 1);
  return (votes >> firstLane & ((1u << (LANES & 31)) - 1)) != 0;
}
