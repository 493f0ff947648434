// What the kernels of the two chains in float32 and those in bfloat16 share.
#pragma once
#include "block_sum.cuh"
#include "element_type.cuh"
#include "elements.cuh"
#include "state.cuh"

// xlogy(x, x) in PyTorch: 0 where x is 0.
__device__ __forceinline__ float xlogx(float x) { return x == 0.0f ? 0.0f : x * logf(x); }

// loss = -mean of logS[n, labels[n]] over the labelled rows, whose number the backward pass needs. By one block.
template <typename T>
__device__ __forceinline__ void meanNll(
    const T* logS, const int* labels, float* loss, int* labelledRows, int rows, int classes) {
  float sum = 0.0f;
  int count = 0;
  for (int row = threadIdx.x; row < rows; row += BLOCK) {
    if (!isClass(labels[row], classes)) continue;
    sum -= valueOf(logS[(size_t)row * classes + labels[row]]);
    ++count;
  }
  sum = blockSum<BLOCK>(sum);
  count = blockSum<BLOCK>(count);
  if (threadIdx.x != 0) return;
  *loss = count > 0 ? sum / count : 0.0f;
  *labelledRows = count;
}
