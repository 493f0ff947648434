// Conversions between float32 and the bfloat16 that matrix products and convolutions read.
//   round                : y = x rounded to bfloat16, to nearest even
//   round_channels_last  : the same, and y[n, p, c] = x[n, c, p]
//   widen                : y = x, exactly
// A NaN stays one; what is too large becomes infinite.
// Shapes : x, y [n]; channels last: x [rows, channels, pixels], y [rows, pixels, channels].
// Launch : 256 threads, fewer than 2^31 elements. round, widen: four elements a thread, n a multiple
//          of 4, arrays on boundaries of four elements. Channels last: an element a thread, on
//          neighbouring outputs; it is for images that a caller filled: those of a training step are
//          gathered in bfloat16.
// Writes : every output once, bitwise repeatable. Nothing may overlap.
// Traffic: 6 bytes an element.
// Ladder : v1.      Oracle: round to nearest even, bitwise.
#include "element_type.cuh"
#include "elements.cuh"

constexpr int PER_THREAD = 4;

extern "C" __global__ void __launch_bounds__(BLOCK) round_fused_bf16_v1(
    const float* __restrict__ x, __nv_bfloat16* __restrict__ y, int n) {
  const int i = (blockIdx.x * BLOCK + threadIdx.x) * PER_THREAD;
  if (i >= n) return;
  const float4 four = *reinterpret_cast<const float4*>(x + i);
  *reinterpret_cast<uint2*>(y + i) = make_uint2(packed(four.x, four.y), packed(four.z, four.w));
}

extern "C" __global__ void __launch_bounds__(BLOCK) round_channels_last_fused_bf16_v1(
    const float* __restrict__ x, __nv_bfloat16* __restrict__ y, int rows, int channels,
    int pixels) {
  const int i = blockIdx.x * BLOCK + threadIdx.x;
  const int image = channels * pixels;
  if (i >= rows * image) return;
  const int row = i / image;
  const int within = i - row * image;
  const int pixel = within / channels;
  const int channel = within - pixel * channels;
  store(y + i, x[row * image + channel * pixels + pixel]);
}

extern "C" __global__ void __launch_bounds__(BLOCK) widen_fused_f32_v1(
    const __nv_bfloat16* __restrict__ x, float* __restrict__ y, int n) {
  const int i = (blockIdx.x * BLOCK + threadIdx.x) * PER_THREAD;
  if (i >= n) return;
  const uint2 four = *reinterpret_cast<const uint2*>(x + i);
  *reinterpret_cast<float4*>(y + i) =
      make_float4(lowOf(four.x), highOf(four.x), lowOf(four.y), highOf(four.y));
}
