// How kernels go through arrays: blocks of 256 threads, each with one element or some neighbouring ones.
#pragma once

constexpr int BLOCK = 256;

// The first element of this thread.
template <int PER_THREAD = 1>
__device__ __forceinline__ size_t firstElement() {
  return ((size_t)blockIdx.x * BLOCK + threadIdx.x) * PER_THREAD;
}
