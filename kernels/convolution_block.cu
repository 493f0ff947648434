// What follows a convolution or a linear layer: bias, ReLU and 2x2 max-pool, forward and backward,
// and the gradient of the bias.
//   pooled = max over the 2x2 window of max(x + bias, 0)
//   mask   = which of the window's four it is, 0 .. 3 row by row, the first of equals; 4 if the
//            largest is not positive, where no gradient passes
//   dx     = dPooled at the masked element of each window, 0 elsewhere
//   dBias  = sum of dx over rows and pixels
// A NaN survives: it is its window's largest (the last NaN of several) and its gradient passes, as
// in PyTorch; fmaxf would drop it. An output that is not positive is +0.
//
// The gradient of the bias is summed in two stages of fixed order, no atomics: the backward kernels
// leave one partial sum per block row, [partials, channels], and bias_gradient adds those. With one
// partial the first stage's output is the gradient.
#include "block_sum.cuh"
#include "element_type.cuh"
#include "pooling.cuh"
#include "tile.cuh"

constexpr int CHUNK = 64;  // windows (nhwc) or rows (linear) of a partial sum

__device__ __forceinline__ float unpool(float gradient, int mask, int at) {
  return mask == at ? gradient : 0.0f;
}

// ---- NCHW: x, dx [N, channels, H, W], pooled and mask (uint8) [N, channels, H/2, W/2]
// Launch : 128 threads, a warp a plane, grid ceil(N*channels/4). H and W even, x and dx on
//          8-byte boundaries; for v2 W a multiple of 4, arrays on 16-byte and masks on even boundaries.
// Traffic: forward per window 16 + 5 bytes, backward 5 + 16; per plane 4 for the bias or partial.
// Writes : every output once, nothing may overlap, bitwise repeatable. dx may lie where the forward
//          pass had x, which the backward pass does not read. partials [N, channels].
// Ladder : v0 the library's bias, activation and pooling; v1 a window a lane, v2 two windows.
// Oracle : PyTorch's conv bias, relu, max_pool2d; bitwise, the gradient of the bias 1e-6*sum|dx|.
#if __CUDA_ARCH__ < 800
constexpr int PLANES = ROW_BLOCK / 32;  // a warp a plane (one channel of one image)

struct Plane {
  int index;
  int lane;
  bool exists;
};

__device__ __forceinline__ Plane plane(int planes) {
  const int index = blockIdx.x * PLANES + threadIdx.x / 32;
  return {index, static_cast<int>(threadIdx.x % 32), index < planes};
}

extern "C" __global__ void __launch_bounds__(ROW_BLOCK) bias_relu_pool_nchw_fused_f32_v1(
    const float* __restrict__ x, const float* __restrict__ bias, float* __restrict__ pooled,
    unsigned char* __restrict__ mask, int planes, int channels, int height, int width) {
  const Plane at = plane(planes);
  if (!at.exists) return;
  const float b = bias[at.index % channels];
  const int pooledWidth = width / 2;
  const int windows = height / 2 * pooledWidth;
  for (int i = at.lane; i < windows; i += 32) {
    const size_t top = (size_t)at.index * height * width + i / pooledWidth * 2 * width +
                       i % pooledWidth * 2;
    const float2 upper = *reinterpret_cast<const float2*>(x + top);
    const float2 lower = *reinterpret_cast<const float2*>(x + top + width);
    const WindowMax largest = pool(upper.x + b, upper.y + b, lower.x + b, lower.y + b);
    pooled[(size_t)at.index * windows + i] = largest.value;
    mask[(size_t)at.index * windows + i] = largest.index;
  }
}

extern "C" __global__ void __launch_bounds__(ROW_BLOCK) bias_relu_pool_nchw_fused_f32_v2(
    const float* __restrict__ x, const float* __restrict__ bias, float* __restrict__ pooled,
    unsigned char* __restrict__ mask, int planes, int channels, int height, int width) {
  const Plane at = plane(planes);
  if (!at.exists) return;
  const float b = bias[at.index % channels];
  const int pairWidth = width / 4;
  const int pairs = height / 2 * pairWidth;
  for (int i = at.lane; i < pairs; i += 32) {
    const size_t top =
        (size_t)at.index * height * width + i / pairWidth * 2 * width + i % pairWidth * 4;
    const float4 upper = *reinterpret_cast<const float4*>(x + top);
    const float4 lower = *reinterpret_cast<const float4*>(x + top + width);
    const WindowMax left = pool(upper.x + b, upper.y + b, lower.x + b, lower.y + b);
    const WindowMax right = pool(upper.z + b, upper.w + b, lower.z + b, lower.w + b);
    const size_t pair = (size_t)at.index * pairs + i;
    reinterpret_cast<float2*>(pooled)[pair] = make_float2(left.value, right.value);
    reinterpret_cast<uchar2*>(mask)[pair] = make_uchar2(left.index, right.index);
  }
}

extern "C" __global__ void __launch_bounds__(ROW_BLOCK) bias_relu_pool_backward_nchw_fused_f32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    float* __restrict__ dx, float* __restrict__ partials, int planes, int height, int width) {
  const Plane at = plane(planes);
  const int pooledWidth = width / 2;
  const int windows = at.exists ? height / 2 * pooledWidth : 0;
  float sum = 0.0f;
  for (int i = at.lane; i < windows; i += 32) {
    const size_t window = (size_t)at.index * windows + i;
    const float gradient = dPooled[window];
    const int from = mask[window];
    const size_t top = (size_t)at.index * height * width + i / pooledWidth * 2 * width +
                       i % pooledWidth * 2;
    *reinterpret_cast<float2*>(dx + top) =
        make_float2(unpool(gradient, from, 0), unpool(gradient, from, 1));
    *reinterpret_cast<float2*>(dx + top + width) =
        make_float2(unpool(gradient, from, 2), unpool(gradient, from, 3));
    sum += from == DEAD ? 0.0f : gradient;
  }
  sum = tileSum<32>(sum);
  if (at.exists && at.lane == 0) partials[at.index] = sum;
}

extern "C" __global__ void __launch_bounds__(ROW_BLOCK) bias_relu_pool_backward_nchw_fused_f32_v2(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    float* __restrict__ dx, float* __restrict__ partials, int planes, int height, int width) {
  const Plane at = plane(planes);
  const int pairWidth = width / 4;
  const int pairs = at.exists ? height / 2 * pairWidth : 0;
  float sum = 0.0f;
  for (int i = at.lane; i < pairs; i += 32) {
    const size_t pair = (size_t)at.index * pairs + i;
    const float2 gradient = reinterpret_cast<const float2*>(dPooled)[pair];
    const uchar2 from = reinterpret_cast<const uchar2*>(mask)[pair];
    const size_t top =
        (size_t)at.index * height * width + i / pairWidth * 2 * width + i % pairWidth * 4;
    *reinterpret_cast<float4*>(dx + top) =
        make_float4(unpool(gradient.x, from.x, 0), unpool(gradient.x, from.x, 1),
                    unpool(gradient.y, from.y, 0), unpool(gradient.y, from.y, 1));
    *reinterpret_cast<float4*>(dx + top + width) =
        make_float4(unpool(gradient.x, from.x, 2), unpool(gradient.x, from.x, 3),
                    unpool(gradient.y, from.y, 2), unpool(gradient.y, from.y, 3));
    sum += from.x == DEAD ? 0.0f : gradient.x;
    sum += from.y == DEAD ? 0.0f : gradient.y;
  }
  sum = tileSum<32>(sum);
  if (at.exists && at.lane == 0) partials[at.index] = sum;
}

#else
// ---- NHWC, bfloat16: x, dx [N, H, W, channels], pooled and mask (uint8) [N, H/2, W/2, channels]
// Launch : 32 x 8 threads, grid (ceil(windows/64), ceil(channels/32)) with windows = N*H/2*W/2:
//          a lane a channel, 8 windows at a time. H and W even.
// Traffic: forward per window and channel 8 + 3 bytes, backward 3 + 8.
// Writes : as NCHW; bias and partials float32, partials [ceil(windows/64), channels].
// Ladder : v1.      Oracle: as NCHW.
struct Window {
  size_t top;  // offset of the window's first pixel, of this thread's channel
  size_t pooled;
};

__device__ __forceinline__ Window nhwcWindow(
    int window, int channel, int channels, int height, int width) {
  const int column = window % (width / 2);
  const int rest = window / (width / 2);  // image*(height/2) + row: two rows of pixels each
  return {((size_t)rest * 2 * width + column * 2) * channels + channel,
          (size_t)window * channels + channel};
}

extern "C" __global__ void __launch_bounds__(COLUMNS* LINES) bias_relu_pool_nhwc_fused_bf16_v1(
    const __nv_bfloat16* __restrict__ x, const float* __restrict__ bias,
    __nv_bfloat16* __restrict__ pooled, unsigned char* __restrict__ mask, int windows, int channels,
    int height, int width) {
  const int channel = blockIdx.y * COLUMNS + threadIdx.x;
  if (channel >= channels) return;
  const float b = bias[channel];
  const int end = min((int)(blockIdx.x + 1) * CHUNK, windows);
  for (int i = blockIdx.x * CHUNK + threadIdx.y; i < end; i += LINES) {
    const Window at = nhwcWindow(i, channel, channels, height, width);
    const __nv_bfloat16* upper = x + at.top;
    const __nv_bfloat16* lower = upper + (size_t)width * channels;
    const WindowMax largest = pool(valueOf(upper[0]) + b, valueOf(upper[channels]) + b,
                                   valueOf(lower[0]) + b, valueOf(lower[channels]) + b);
    store(pooled + at.pooled, largest.value);
    mask[at.pooled] = largest.index;
  }
}

extern "C" __global__ void __launch_bounds__(COLUMNS* LINES) bias_relu_pool_backward_nhwc_fused_bf16_v1(
    const __nv_bfloat16* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    __nv_bfloat16* __restrict__ dx, float* __restrict__ partials, int windows, int channels,
    int height, int width) {
  const int channel = blockIdx.y * COLUMNS + threadIdx.x;
  const int end = channel < channels ? min((int)(blockIdx.x + 1) * CHUNK, windows) : 0;
  float sum = 0.0f;
  for (int i = blockIdx.x * CHUNK + threadIdx.y; i < end; i += LINES) {
    const Window at = nhwcWindow(i, channel, channels, height, width);
    const float gradient = valueOf(dPooled[at.pooled]);
    const int from = mask[at.pooled];
    __nv_bfloat16* upper = dx + at.top;
    __nv_bfloat16* lower = upper + (size_t)width * channels;
    store(upper, unpool(gradient, from, 0));
    store(upper + channels, unpool(gradient, from, 1));
    store(lower, unpool(gradient, from, 2));
    store(lower + channels, unpool(gradient, from, 3));
    sum += from == DEAD ? 0.0f : gradient;
  }
  sum = sumOfLines(sum);
  if (threadIdx.y == 0 && channel < channels) {
    partials[(size_t)blockIdx.x * channels + channel] = sum;
  }
}

#endif

#if __CUDA_ARCH__ < 800
// ---- Bias and ReLU of a linear layer: x, y, dy, dx [rows, channels]
//   y = max(x + bias, 0)      dx = dy where y is positive or NaN, else 0
// Launch : 32 x 8 threads, grid (ceil(rows/64), ceil(channels/32)).
// Traffic: 8*rows*channels bytes forward, 12 backward, and the bias or partials.
// Writes : every output once; y may be x, dx may be dy. partials [ceil(rows/64), channels].
// Ladder : v1.      Oracle: bitwise, the gradient of the bias 1e-6*sum|dx|.
extern "C" __global__ void __launch_bounds__(COLUMNS* LINES) bias_relu_fused_f32_v1(
    const float* x, const float* __restrict__ bias, float* y, int rows, int channels) {
  const int channel = blockIdx.y * COLUMNS + threadIdx.x;
  if (channel >= channels) return;
  const float b = bias[channel];
  const int end = min((int)(blockIdx.x + 1) * CHUNK, rows);
  for (int row = blockIdx.x * CHUNK + threadIdx.y; row < end; row += LINES) {
    const float sum = x[(size_t)row * channels + channel] + b;
    y[(size_t)row * channels + channel] = sum <= 0.0f ? 0.0f : sum;  // keeps NaN
  }
}

extern "C" __global__ void __launch_bounds__(COLUMNS* LINES) bias_relu_backward_fused_f32_v1(
    const float* dy, const float* __restrict__ y, float* dx, float* __restrict__ partials, int rows,
    int channels) {
  const int channel = blockIdx.y * COLUMNS + threadIdx.x;
  const int end = channel < channels ? min((int)(blockIdx.x + 1) * CHUNK, rows) : 0;
  float sum = 0.0f;
  for (int row = blockIdx.x * CHUNK + threadIdx.y; row < end; row += LINES) {
    const size_t i = (size_t)row * channels + channel;
    const float upstream = dy[i];  // not behind the test: neither load waits for the other
    const float gradient = y[i] <= 0.0f ? 0.0f : upstream;
    dx[i] = gradient;
    sum += gradient;
  }
  sum = sumOfLines(sum);
  if (threadIdx.y == 0 && channel < channels) {
    partials[(size_t)blockIdx.x * channels + channel] = sum;
  }
}

// ---- The second stage: dBias[channel] = sum over n of partials[n, channel]
// Shapes : partials [count, channels], dBias [channels].
// Launch : 32 x 32 threads, grid ceil(channels/32): line y adds partials y, y + 32, ..., eight loads at
//          a time, then the lines are added in order.
// Traffic: 4*count*channels + 4*channels bytes.      Writes: dBias, no overlap.
// Ladder : v1 eight lines, a load at a time; v2.      Oracle: 1e-6*sum|partials|.
constexpr int SUM_LINES = 32;

extern "C" __global__ void __launch_bounds__(COLUMNS* SUM_LINES) bias_gradient_fused_f32_v2(
    const float* __restrict__ partials, float* __restrict__ dBias, int count, int channels) {
  constexpr int AT_ONCE = 8;  // loads on their way: one after the other waits for memory as often
  const int channel = blockIdx.x * COLUMNS + threadIdx.x;
  const int end = channel < channels ? count : 0;
  float sum = 0.0f;
  for (int first = threadIdx.y; first < end; first += AT_ONCE * SUM_LINES) {
    float x[AT_ONCE];
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i) {
      const int n = first + i * SUM_LINES;
      x[i] = n < end ? partials[(size_t)n * channels + channel] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i) sum += x[i];
  }
  sum = sumOfLines<SUM_LINES>(sum);
  if (threadIdx.y == 0 && channel < channels) dBias[channel] = sum;
}
#endif
