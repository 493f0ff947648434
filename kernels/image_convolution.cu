// The first layer: a 3x3 convolution of images of three channels, padding 1, with bias, ReLU and 2x2
// max-pool in one kernel. Its gradients are in filter_gradient.cu.
//   z[n,k,y,x]   = sum over c, r, s of w[k,c,r,s] x[n, c, y+r-1, x+s-1]
//   pooled, mask = what convolution_block.cu says, of z
// Three channels leave the library's tensor cores idle, and it writes z, four times the size of pooled,
// for the next kernel to read. Here each lane keeps the pixels of its window in registers.
#include "pooled_tile.cuh"

constexpr int OUTPUTS_A_THREAD = BLOCK_OUTPUTS * TILE_WINDOWS / THREADS;

// Shapes : x [N, 3, H, W], weight [channels, 3, 3, 3], bias [channels], pooled and mask (uint8)
//          [N, channels, H/2, W/2]. H and W even.
// Launch : 256 threads, grid (tiles, ceil(channels/32)): a lane a window, its 4x4 neighbourhood of
//          each input in registers, eight outputs one after the other, whose filters all lanes share.
// Traffic: 4*(3*N*H*W + 28*channels) + 5 bytes a window.   Writes: each output once, no overlap.
// Sums   : over c, r, s in order by fmaf, then the bias.
// Oracle : PyTorch's conv2d, relu, max_pool2d; pooled within 1e-6*(sum|w||x| + |b|).
// Ladder : v0 the library's convolution and bias_relu_pool; v1 this.
extern "C" __global__ void __launch_bounds__(THREADS) image_convolution_pool_nchw_fused_f32_v1(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    float* __restrict__ pooled, unsigned char* __restrict__ mask, int images, int channels,
    int height, int width) {
  __shared__ __align__(16) float patch[BLOCK_INPUTS][PATCH_ROWS][PATCH_STRIDE];
  __shared__ __align__(16) float filters[BLOCK_OUTPUTS][SUMS];
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;
  const Tile tile = tileAt<TILE_SIDE, TILE_SIDE>(blockIdx.x, pooledHeight, pooledWidth);
  const int firstChannel = blockIdx.y * BLOCK_OUTPUTS;
  loadPatch(patch, x, tile, 0, BLOCK_INPUTS, height, width);
  for (int i = threadIdx.x; i < BLOCK_OUTPUTS * SUMS; i += THREADS) {
    const int channel = firstChannel + i / SUMS;
    const int element = i % SUMS;
    float value = 0.0f;
    if (channel < channels) {
      value = element < FILTER_ELEMENTS ? weight[channel * FILTER_ELEMENTS + element] : bias[channel];
    }
    filters[i / SUMS][element] = value;
  }
  __syncthreads();

  const int window = threadIdx.x % TILE_WINDOWS;
  const int row = window / TILE_SIDE;
  const int column = window % TILE_SIDE;
  float near[BLOCK_INPUTS][4][4];
#pragma unroll
  for (int c = 0; c < BLOCK_INPUTS; ++c) {
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
    for (int element = 0; element < FILTER_ELEMENTS; ++element) {
      const int c = element / TAPS;
      const int r = element / 3 % 3;
      const int s = element % 3;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        sum[i / 2][i % 2] = fmaf(filter[element], near[c][r + i / 2][s + i % 2], sum[i / 2][i % 2]);
      }
    }
    const float b = filter[FILTER_ELEMENTS];
    largest[o] = pool(sum[0][0] + b, sum[0][1] + b, sum[1][0] + b, sum[1][1] + b);
  }
  if (!exists) return;

  const int channel = firstChannel + group;
  const size_t at = pooledAt(
      tile, tile.row + row, tile.column + column, channel, channels, pooledHeight, pooledWidth);
  const size_t plane = (size_t)pooledHeight * pooledWidth;
#pragma unroll
  for (int o = 0; o < OUTPUTS_A_THREAD; ++o) {
    if (channel + o >= channels) break;
    pooled[at + o * plane] = largest[o].value;
    mask[at + o * plane] = largest[o].index;
  }
}
