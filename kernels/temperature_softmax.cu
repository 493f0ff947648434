// Softmax and log-softmax at a temperature, and their backward passes, for library users and for
// the unfused loss chains (at T = 1 they are the plain ones: x*1 is exact).
//   softmax         y_c  = exp(x_c/T) / sum_j exp(x_j/T)
//   log-softmax     y_c  = x_c/T - log sum_j exp(x_j/T)
//   its backward    dx_c = (dy_c - exp(y_c) * sum_j dy_j) / T          (y the log-softmax)
//   softmax's       dx_c = y_c * (dy_c - sum_j dy_j*y_j) / T           (y the softmax)
// Shapes : x, y, dx, dy [N, C] row-major, leading dimension C; 1 <= C <= the number in the symbol;
//          T from 1e-36 to 1e36. One element of a row is above -FLT_MAX.
// Launch : ROW_BLOCK threads, grid ceil(N/rows per block): c32 4 lanes a row, 32 rows a block;
//          c128 8 lanes, 16 rows; c1024 a warp, 4 rows. N >= 1.
// Writes : the output once, no atomics, bitwise repeatable. y may be x; dx may be dy or y.
// Traffic: 8*N*C bytes forward, 12*N*C backward.
// Special: one -inf has probability 0; a NaN, a +inf, or nothing but -inf gives NaN for the row.
// Ladder : v0 a division by T and these at T = 1. README.md has the table.
// Oracle : float64 in the tests' reference. Tolerance: softmax 2e-6 relative per element plus the
//          rounding of (x-max)/T, log-softmax 2e-6*(1+max|x-max|/T) absolute.
#include "tile.cuh"

template <int LANES, int PER_LANE, bool LOG>
__device__ __forceinline__ void forward(
    const float* x, float* y, float temperature, int rows, int classes) {
  const TileRow at = tileRow<LANES>(rows, classes);
  const float inverseT = 1.0f / temperature;
  float logits[PER_LANE], e[PER_LANE];
  loadRow<LANES>(x + at.start, at.held, -INFINITY, at.lane, classes, logits);
  const Top top = rowTop<LANES>(at.lane, classes, logits);
  const float sum = shiftedExponentials<LANES>(at.lane, classes, logits, top, inverseT, e);
  const float scale = 1.0f / (1.0f + sum);
  const float logSum = log1pf(sum);
  forEachClass<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
    e[k] = LOG ? (logits[k] - top.value) * inverseT - logSum : e[k] * scale;
  });
  storeRow<LANES>(y + at.start, at.held, at.lane, classes, e);
}

template <int LANES, int PER_LANE, bool LOG>
__device__ __forceinline__ void backward(
    const float* dy, const float* y, float* dx, float temperature, int rows, int classes) {
  const TileRow at = tileRow<LANES>(rows, classes);
  const float inverseT = 1.0f / temperature;
  float outputs[PER_LANE], gradient[PER_LANE];
  loadRow<LANES>(y + at.start, at.held, 0.0f, at.lane, classes, outputs);
  loadRow<LANES>(dy + at.start, at.held, 0.0f, at.lane, classes, gradient);
  float sum = 0.0f;
  forEachClass<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
    sum += LOG ? gradient[k] : gradient[k] * outputs[k];
  });
  sum = tileSum<LANES>(sum);
  forEachClass<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
    const float d = LOG ? gradient[k] - expf(outputs[k]) * sum : outputs[k] * (gradient[k] - sum);
    gradient[k] = d * inverseT;
  });
  storeRow<LANES>(dx + at.start, at.held, at.lane, classes, gradient);
}

// Pointers are not __restrict__: outputs may lie over inputs.
#define FORWARD_KERNEL(SYMBOL, LOG, LANES, PER_LANE)                                  \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK) SYMBOL(                     \
      const float* x, float* y, float temperature, int rows, int classes) {           \
    forward<LANES, PER_LANE, LOG>(x, y, temperature, rows, classes);                  \
  }
#define BACKWARD_KERNEL(SYMBOL, LOG, LANES, PER_LANE)                                 \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK) SYMBOL(                     \
      const float* dy, const float* y, float* dx, float temperature, int rows, int classes) { \
    backward<LANES, PER_LANE, LOG>(dy, y, dx, temperature, rows, classes);            \
  }
#define SOFTMAX_KERNELS(C, LANES, PER_LANE)                                           \
  FORWARD_KERNEL(temperature_softmax_##C##_fused_f32_v1, false, LANES, PER_LANE)      \
  FORWARD_KERNEL(temperature_log_softmax_##C##_fused_f32_v1, true, LANES, PER_LANE)   \
  BACKWARD_KERNEL(temperature_softmax_backward_##C##_fused_f32_v1, false, LANES, PER_LANE) \
  BACKWARD_KERNEL(temperature_log_softmax_backward_##C##_fused_f32_v1, true, LANES, PER_LANE)

SOFTMAX_KERNELS(c32, 4, 8)
SOFTMAX_KERNELS(c128, 8, 16)
SOFTMAX_KERNELS(c1024, 32, 32)
