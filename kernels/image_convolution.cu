// The first layer: a 3x3 convolution of images of three channels, padding 1, with bias, ReLU and 2x2
// max-pool in one kernel. Its gradients are in filter_gradient.cu.
//   z[n,k,y,x]   = sum over c, r, s of w[k,c,r,s] x[n, c, y+r-1, x+s-1]
//   pooled, mask = what convolution_block.cu says, of z
// Three channels leave the library's tensor cores idle, and it writes z, four times the size of pooled,
// for the next kernel to read. Here each lane keeps the pixels of its window in registers.
#include "pooled_tile.cuh"

constexpr int OUTPUTS_A_THREAD = OUTPUTS * TILE_WINDOWS / THREADS;

// Shapes : x [N, 3, H, W], weight [channels, 3, 3, 3], bias [channels], pooled and mask (uint8)
//          [N, channels, H/2, W/2] (nchw) or [N, H/2, W/2, channels] (nhwc). H and W even. In nhwc pooled
//          begins on a 16-byte boundary and mask on an even one.
// Launch : 256 threads, grid (tiles, ceil(channels/32)): a lane a window, its 4x4 neighbourhood of
//          each input in registers, eight outputs one after the other, whose filters all lanes share.
// Traffic: 4*(3*N*H*W + 28*channels) + 5 bytes a window.   Writes: each output once, no overlap.
// Sums   : over c, r, s in order by fmaf, then the bias.
// Oracle : PyTorch's conv2d, relu, max_pool2d; pooled within 1e-6*(sum|w||x| + |b|).
// Ladder : v0 the library's convolution and bias_relu_pool; v1 this.
template <bool NHWC>
__device__ __forceinline__ void forward(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    float* __restrict__ pooled, unsigned char* __restrict__ mask, int channels, int height,
    int width) {
  __shared__ __align__(16) float patch[INPUTS][PATCH_ROWS][PATCH_STRIDE];
  __shared__ __align__(16) float filters[OUTPUTS][SUMS];
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;
  const Tile tile = tileAt<TILE_SIDE, TILE_SIDE>(blockIdx.x, pooledHeight, pooledWidth);
  const int firstChannel = blockIdx.y * OUTPUTS;
  loadPatch(patch, x, tile, 0, INPUTS, height, width);
  for (int i = threadIdx.x; i < OUTPUTS * SUMS; i += THREADS) {
    const int channel = firstChannel + i / SUMS;
    const int tap = i % SUMS;
    float value = 0.0f;
    if (channel < channels) value = tap < TAPS ? weight[channel * TAPS + tap] : bias[channel];
    filters[i / SUMS][tap] = value;
  }
  __syncthreads();

  const int window = threadIdx.x % TILE_WINDOWS;
  const int row = window / TILE_SIDE;
  const int column = window % TILE_SIDE;
  float near[INPUTS][4][4];
#pragma unroll
  for (int c = 0; c < INPUTS; ++c) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const float2* line = reinterpret_cast<const float2*>(&patch[c][2 * row + r][2 * column]);
      const float2 left = line[0];
      const float2 right = line[1];
      near[c][r][0] = left.x;
      near[c][r][1] = left.y;
      near[c][r][2] = right.x;
      near[c][r][3] = right.y;
    }
  }

  const int group = threadIdx.x / TILE_WINDOWS * OUTPUTS_A_THREAD;
  const bool exists = tile.row + row < pooledHeight && tile.column + column < pooledWidth;
  WindowMax largest[OUTPUTS_A_THREAD];
#pragma unroll
  for (int o = 0; o < OUTPUTS_A_THREAD; ++o) {
    float filter[SUMS];
#pragma unroll
    for (int i = 0; i < SUMS; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(&filters[group + o][i]);
      filter[i] = four.x;
      filter[i + 1] = four.y;
      filter[i + 2] = four.z;
      filter[i + 3] = four.w;
    }
    float sum[2][2] = {};
#pragma unroll
    for (int tap = 0; tap < TAPS; ++tap) {
      const int c = tap / 9;
      const int r = tap / 3 % 3;
      const int s = tap % 3;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        sum[i / 2][i % 2] = fmaf(filter[tap], near[c][r + i / 2][s + i % 2], sum[i / 2][i % 2]);
      }
    }
    const float b = filter[TAPS];
    largest[o] = pool(sum[0][0] + b, sum[0][1] + b, sum[1][0] + b, sum[1][1] + b);
  }
  if (!exists) return;

  const int channel = firstChannel + group;
  const size_t at = pooledAt<NHWC>(
      tile, tile.row + row, tile.column + column, channel, channels, pooledHeight, pooledWidth);
  if (NHWC && channels % 4 == 0) {
#pragma unroll
    for (int o = 0; o < OUTPUTS_A_THREAD; o += 4) {
      if (channel + o >= channels) break;
      *reinterpret_cast<float4*>(pooled + at + o) =
          make_float4(largest[o].value, largest[o + 1].value, largest[o + 2].value,
                      largest[o + 3].value);
      uchar2* two = reinterpret_cast<uchar2*>(mask + at + o);
      two[0] = make_uchar2(largest[o].index, largest[o + 1].index);
      two[1] = make_uchar2(largest[o + 2].index, largest[o + 3].index);
    }
  } else {
    const size_t step = NHWC ? 1 : (size_t)pooledHeight * pooledWidth;
#pragma unroll
    for (int o = 0; o < OUTPUTS_A_THREAD; ++o) {
      if (channel + o >= channels) break;
      pooled[at + o * step] = largest[o].value;
      mask[at + o * step] = largest[o].index;
    }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS) image_convolution_pool_nchw_fused_f32_v1(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    float* __restrict__ pooled, unsigned char* __restrict__ mask, int images, int channels,
    int height, int width) {
  forward<false>(x, weight, bias, pooled, mask, channels, height, width);
}

extern "C" __global__ void __launch_bounds__(THREADS) image_convolution_pool_nhwc_fused_f32_v1(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    float* __restrict__ pooled, unsigned char* __restrict__ mask, int images, int channels,
    int height, int width) {
  forward<true>(x, weight, bias, pooled, mask, channels, height, width);
}
