// The gradients of a 3x3 convolution's filters and biases, from what the 2x2 max-pool behind it passes
// back. Padding 1, any number of channels.
//   dw[k,c,r,s] = sum over windows of g x[n, c, y+r-1, x+s-1], (y, x) being the window's masked pixel
//   db[k]       = sum over windows of g,    g = dPooled where the mask names a pixel, else 0
// A window passes its gradient to one pixel of four, so that a quarter of the convolution's products
// remains, in float32 and without the unpooled gradient ever being written. The library's deterministic
// filter gradients take 32 to 350 us at batch 64 (native-notes/gpu-runs.md), longest with three channels.
#include "block_sum.cuh"
#include "pooled_tile.cuh"

constexpr int WARPS = THREADS / 32;

// ---- First stage: the sums of a block's tiles
// Shapes : dPooled and mask (uint8) [N, channels, H/2, W/2], x [N, inputs, H, W], H and W even;
//          partials [count, 9*inputs + 1, channels]: the taps of each input, and the bias.
// Launch : 256 threads, grid (count, ceil(channels/32)*ceil(inputs/3)): a block takes the tiles
//          blockIdx.x, blockIdx.x + count, ...; a lane an output channel, a warp every eighth window, its
//          28 sums in registers. The masks of a window differ by lane: at most four words, in four banks.
// Traffic: 4*inputs*N*H*W + 5 bytes a window and channel + 4*count*(9*inputs + 1)*channels; dPooled and
//          mask are read again, from the L2 cache, for every three inputs, and x for every 32 outputs.
// Writes : partials once, no overlap.
// Sums   : a warp's windows in order, then the warps, then (second stage) the blocks.
// Oracle : PyTorch's gradients; 1e-6*sum|g||x|.
// Ladder : v0 the library's filter gradient behind our unpooling; v1 this.
extern "C" __global__ void __launch_bounds__(THREADS, 2) filter_gradient_partials_nchw_fused_f32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ x, float* __restrict__ partials, int images, int inputs, int channels,
    int height, int width) {
  __shared__ __align__(16) float patch[BLOCK_INPUTS][PATCH_ROWS][PATCH_STRIDE];
  __shared__ float gradients[TILE_WINDOWS][BLOCK_OUTPUTS + 1];  // + 1: written by columns
  __shared__ unsigned char masks[TILE_WINDOWS][BLOCK_OUTPUTS + 1];
  __shared__ float sums[WARPS][SUMS][BLOCK_OUTPUTS];
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;
  const int tilesAnImage = (pooledHeight + TILE_SIDE - 1) / TILE_SIDE *
                           ((pooledWidth + TILE_SIDE - 1) / TILE_SIDE);
  const int groups = (inputs + BLOCK_INPUTS - 1) / BLOCK_INPUTS;  // of input channels
  const int group = blockIdx.y % groups;
  const int firstChannel = blockIdx.y / groups * BLOCK_OUTPUTS;
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  float sum[SUMS] = {};
  for (int index = blockIdx.x; index < images * tilesAnImage; index += gridDim.x) {
    const Tile tile = tileAt<TILE_SIDE, TILE_SIDE>(index, pooledHeight, pooledWidth);
    __syncthreads();  // the tile before may still be being read
    loadPatch(patch, x, tile, group * BLOCK_INPUTS, inputs, height, width);
    for (int i = threadIdx.x; i < TILE_WINDOWS * BLOCK_OUTPUTS; i += THREADS) {
      // Neighbouring threads read neighbouring addresses.
      const int window = i % TILE_WINDOWS;
      const int output = i / TILE_WINDOWS;
      const int row = tile.row + window / TILE_SIDE;
      const int column = tile.column + window % TILE_SIDE;
      float gradient = 0.0f;
      int from = 0;
      if (row < pooledHeight && column < pooledWidth && firstChannel + output < channels) {
        const size_t at = pooledAt(
            tile, row, column, firstChannel + output, channels, pooledHeight, pooledWidth);
        from = mask[at];
        gradient = from == DEAD ? 0.0f : dPooled[at];
      }
      gradients[window][output] = gradient;
      masks[window][output] = from == DEAD ? 0 : from;
    }
    __syncthreads();
    for (int window = warp; window < TILE_WINDOWS; window += WARPS) {
      const float gradient = gradients[window][lane];
      const int from = masks[window][lane];
      const float* corner = &patch[0][2 * (window / TILE_SIDE) + from / 2]
                                  [2 * (window % TILE_SIDE) + from % 2];
#pragma unroll
      for (int i = 0; i < FILTER_ELEMENTS; ++i) {
        const int offset = (i / TAPS * PATCH_ROWS + i / 3 % 3) * PATCH_STRIDE + i % 3;
        sum[i] = fmaf(gradient, corner[offset], sum[i]);
      }
      sum[FILTER_ELEMENTS] += gradient;
    }
  }
#pragma unroll
  for (int i = 0; i < SUMS; ++i) sums[warp][i][lane] = sum[i];
  __syncthreads();
  for (int i = threadIdx.x; i < SUMS * BLOCK_OUTPUTS; i += THREADS) {
    const int channel = firstChannel + i % BLOCK_OUTPUTS;
    const int element = i / BLOCK_OUTPUTS;
    float total = 0.0f;
    for (int w = 0; w < WARPS; ++w) total += sums[w][element][i % BLOCK_OUTPUTS];
    // The bias lies behind the taps of all inputs; each group has it, the first writes it.
    const bool isBias = element == FILTER_ELEMENTS;
    const int at = isBias ? TAPS * inputs : group * FILTER_ELEMENTS + element;
    const bool exists = isBias ? group == 0 : at < TAPS * inputs;
    if (channel < channels && exists) {
      partials[((size_t)blockIdx.x * (TAPS * inputs + 1) + at) * channels + channel] = total;
    }
  }
}

// ---- Second stage: adds the blocks' sums, of this and of filter_gradient_tensor_core.cu
// Shapes : partials [count, 9*inputs + 1, channels], dWeight [channels, inputs, 3, 3], dBias [channels].
// Launch : 32 x 8 threads, grid ceil((9*inputs + 1)*channels/32): line y adds partials y, y + 8, ...,
//          then the lines are added in order.
// Traffic: 4*(count + 1)*(9*inputs + 1)*channels bytes.
// Writes : each output once, no overlap.      Ladder: v1.      Oracle: 1e-6*sum|partials|.
extern "C" __global__ void __launch_bounds__(COLUMNS* LINES) filter_gradient_sum_fused_f32_v1(
    const float* __restrict__ partials, float* __restrict__ dWeight, float* __restrict__ dBias,
    int count, int inputs, int channels) {
  const int sums = (TAPS * inputs + 1) * channels;
  const int at = blockIdx.x * COLUMNS + threadIdx.x;
  float sum = 0.0f;
  if (at < sums) {
#pragma unroll 4
    for (int i = threadIdx.y; i < count; i += LINES) sum += partials[(size_t)i * sums + at];
  }
  sum = sumOfLines(sum);
  if (threadIdx.y != 0 || at >= sums) return;
  const int channel = at % channels;
  const int tap = at / channels;
  if (tap == TAPS * inputs) {
    dBias[channel] = sum;
  } else {
    dWeight[channel * TAPS * inputs + tap] = sum;
  }
}
