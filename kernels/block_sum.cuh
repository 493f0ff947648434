// Sums over the threads of a block in a fixed order: bitwise repeatable, unlike float atomics.
#pragma once

// Returns the sum to every thread. T is a number or a struct with operator+=; THREADS is the block
// size, a power of two. All threads of the block must call it.
template <int THREADS, typename T>
__device__ __forceinline__ T blockSum(T x) {
  __shared__ T part[THREADS];
  __syncthreads();  // an earlier sum in the same array may still be being read
  part[threadIdx.x] = x;
#pragma unroll
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  __syncthreads();
  return part[0];
}

// A block of 32 columns, which are neighbours in memory: 128-byte accesses.
constexpr int COLUMNS = 32;
constexpr int LINES = 8;

// Adds the values of each column of a block of COLUMNS x ALL_LINES, in order, for the threads of line 0. Once a
// kernel: a second sum would need a barrier before it.
template <int ALL_LINES = LINES>
__device__ __forceinline__ float sumOfLines(float x) {
  __shared__ float part[ALL_LINES][COLUMNS];
  part[threadIdx.y][threadIdx.x] = x;
  __syncthreads();
  float sum = 0.0f;
  if (threadIdx.y == 0) {
    for (int line = 0; line < ALL_LINES; ++line) sum += part[line][threadIdx.x];
  }
  return sum;
}
