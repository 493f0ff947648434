// A 2x2 max-pool after bias and ReLU.
#pragma once

constexpr int DEAD = 4;  // the mask of a window that passes nothing on

struct WindowMax {
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
__device__ __forceinline__ WindowMax pool(float a, float b, float c, float d) {
  WindowMax largest = {a, 0};
  largest.consider(b, 1);
  largest.consider(c, 2);
  largest.consider(d, 3);
  if (largest.value <= 0.0f) largest = {0.0f, DEAD};  // false for NaN
  return largest;
}
