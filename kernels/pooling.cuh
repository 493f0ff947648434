// A 2x2 max-pool after bias and ReLU, and the first stage of sums over lines of a block: what the
// kernels behind convolutions share.
#pragma once

constexpr int COLUMNS = 32;             // a block of 32 channels x 8 lines: 128-byte accesses
constexpr int LINES = 8;
constexpr int DEAD = 4;

struct Largest {
  float value;
  int index;

  __device__ void consider(float x, int at) {
    if (x > value || x != x) {  // x != x: NaN
      value = x;
      index = at;
    }
  }
};

// a b / c d is a window after the bias. ReLU comes last: max(., 0) of the largest.
__device__ __forceinline__ Largest pool(float a, float b, float c, float d) {
  Largest largest = {a, 0};
  largest.consider(b, 1);
  largest.consider(c, 2);
  largest.consider(d, 3);
  if (largest.value <= 0.0f) largest = {0.0f, DEAD};  // false for NaN
  return largest;
}

// Adds the values of each column of a block of COLUMNS x ALL_LINES, in order, for the threads of line 0.
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
