// Rows of [N, C] matrices in registers, and reductions over them.
//
// A row belongs to a tile: LANES neighbouring lanes of one warp (1, 2, 4, 8, 16 or 32). Lane l of
// the tile holds the classes c = k*LANES + l for k = 0 .. PER_LANE-1, so a tile reads neighbouring
// addresses and every loop over k unrolls into registers. Narrow tiles waste fewer lanes on short
// rows and need fewer shuffles; wide tiles read longer runs of memory.
//
// All 32 lanes of a warp take part in every shuffle and vote. A tile whose row lies past the end
// of the batch therefore never returns early: it computes on -inf and stores nothing.
#pragma once
#include "warp_reduction.cuh"

// The block size of every kernel that works on rows.
constexpr int ROW_BLOCK = 128;

// The row of this thread's tile in a launch of ROW_BLOCK threads a block.
struct TileRow {
  int row;
  int lane;
  int held;      // classes that the row has: 0 past the end of the batch
  size_t start;  // of the row in its matrix; size_t, since N*C may pass 2^31
};

template <int LANES>
__device__ __forceinline__ TileRow tileRow(int rows, int classes) {
  const int row = blockIdx.x * (ROW_BLOCK / LANES) + threadIdx.x / LANES;
  return {row, static_cast<int>(threadIdx.x % LANES), row < rows ? classes : 0,
          (size_t)row * classes};
}

// How many of a lane's classes are between two tests of how many a row has.
template <int LANES, int PER_LANE>
constexpr __host__ __device__ int groupOf() {
  return LANES >= 64 || PER_LANE >= 32 ? 4 : PER_LANE >= 8 ? 2 : 1;
}

// Calls body(k, c) for the classes of this lane, in groups: the test is the same for all lanes of a
// warp, and between two tests the compiler may overlap the rounds. Lanes past the last class run
// along on the -inf that loadRow gave them.
template <int LANES, int PER_LANE, typename Body>
__device__ __forceinline__ void forEachClass(int lane, int classes, Body body) {
  constexpr int GROUP = groupOf<LANES, PER_LANE>();
#pragma unroll
  for (int first = 0; first < PER_LANE; first += GROUP) {
    if (first * LANES >= classes) break;
#pragma unroll
    for (int k = first; k < first + GROUP; ++k) body(k, k * LANES + lane);
  }
}

// The same with whether the row has the class: a constant in groups that it has whole, so that only
// the last group of a row tests each of its classes.
template <int LANES, int PER_LANE, typename Body>
__device__ __forceinline__ void forEachHeld(int lane, int classes, int held, Body body) {
  constexpr int GROUP = groupOf<LANES, PER_LANE>();
#pragma unroll
  for (int first = 0; first < PER_LANE; first += GROUP) {
    if (first * LANES >= classes) break;
    if ((first + GROUP) * LANES <= held) {
#pragma unroll
      for (int k = first; k < first + GROUP; ++k) body(k, k * LANES + lane, true);
    } else {
#pragma unroll
      for (int k = first; k < first + GROUP; ++k) {
        body(k, k * LANES + lane, k * LANES + lane < held);
      }
    }
  }
}

// Loads the `held` classes of a row, and `absent` where there is nothing to load. For logits that
// is -inf, a probability of 0, which drops out of every maximum and every sum. Returns 0, or NaN if
// something that was loaded is not finite.
template <int LANES, int PER_LANE>
__device__ __forceinline__ float loadRow(
    const float* row, int held, float absent, int lane, int classes, float (&x)[PER_LANE]) {
  forEachHeld<LANES, PER_LANE>(lane, classes, held, [&](int k, int c, bool isHeld) {
    x[k] = isHeld ? row[c] : absent;
  });
  float probe = 0.0f;  // after all the loads, so that none of them waits for another
  forEachHeld<LANES, PER_LANE>(lane, classes, held, [&](int k, int, bool isHeld) {
    probe = fmaf(isHeld ? x[k] : 0.0f, 0.0f, probe);
  });
  return probe;
}

template <int LANES, int PER_LANE>
__device__ __forceinline__ void storeRow(
    float* row, int held, int lane, int classes, const float (&x)[PER_LANE]) {
  forEachHeld<LANES, PER_LANE>(lane, classes, held, [&](int k, int c, bool isHeld) {
    if (isHeld) row[c] = x[k];
  });
}

// Which k of this lane's x[k] is class c, or -1 if another lane has it: loops over k then compare with
// constants.
template <int LANES>
__device__ __forceinline__ int heldAt(int lane, int c) {
  return c % LANES == lane ? c / LANES : -1;
}

// The largest element of a row and the first class that has it, as PyTorch's argmax. A NaN is
// never the largest; it reaches the results through the sums.
struct Top {
  float value;
  int index;
};

template <int LANES, int PER_LANE>
__device__ __forceinline__ Top rowTop(int lane, int classes, const float (&x)[PER_LANE]) {
  Top top = {-INFINITY, 0};
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    top.index = x[k] > top.value ? k : top.index;
    top.value = fmaxf(top.value, x[k]);
  });
  top.index = top.index * LANES + lane;
#pragma unroll
  for (int offset = LANES / 2; offset > 0; offset /= 2) {
    const float value = __shfl_xor_sync(FULL_WARP, top.value, offset);
    const int index = __shfl_xor_sync(FULL_WARP, top.index, offset);
    // Without branches: both lanes of a pair decide, each the other way round.
    const bool better =
        (value > top.value) | ((value == top.value) & (index < top.index));
    top.value = better ? value : top.value;
    top.index = better ? index : top.index;
  }
  return top;
}

// e[k] = exp((x[k] - top)/T), and their sum over the row without the term of the top itself, which
// is exactly 1: log1p of this sum keeps the digits that log(1 + sum) would lose. Scaling comes after
// subtracting the maximum, so that no logit overflows at a small T. As in PyTorch, a row with a NaN
// or a +inf, or with nothing but -inf, gives NaN throughout: its sum is NaN.
template <int LANES, int PER_LANE>
__device__ __forceinline__ float shiftedExponentials(
    int lane, int classes, const float (&x)[PER_LANE], Top top, float inverseT,
    float (&e)[PER_LANE]) {
  const int topAt = heldAt<LANES>(lane, top.index);
  float sum = top.value - top.value;  // 0, or NaN for an infinite top
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    e[k] = expf((x[k] - top.value) * inverseT);
    sum += k == topAt ? 0.0f : e[k];
  });
  return tileSum<LANES>(sum);
}
