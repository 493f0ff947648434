// A sum over the threads of a block in a fixed order: bitwise repeatable, unlike float atomics.
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
