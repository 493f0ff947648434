// The first layer: a 3x3 convolution of images of three channels, padding 1, with bias, ReLU and 2x2
// max-pool in one kernel, and the gradients of its filters and biases from what the pool passes back.
//   pooled, mask = what convolution_block.cu says, of z[n,k,y,x] = sum w[k,c,r,s] x[n,c,y+r-1,x+s-1]
//   dw[k,c,r,s]  = sum over windows g x[n, c, y+r-1, x+s-1], (y, x) being the window's masked pixel
//   db[k]        = sum over windows g,      g = dPooled where the mask names a pixel, else 0
// The library needs two to five kernels each way, of which the deterministic filter gradient alone takes
// longer than the rest of a step: three channels leave its tensor cores idle. Here the image's
// neighbourhood lies in shared memory, the activation before the pool is never written, and the backward
// pass touches one pixel of each window instead of four.
//
// x is NCHW, as the gather leaves it. Pooled, mask and dPooled are in either layout.
#include "pooling.cuh"

constexpr int INPUTS = 3;
constexpr int TAPS = INPUTS * 9;   // filter elements an output
constexpr int TILE_COLUMNS = 16;   // a tile is 4 x 16 windows: 8 x 32 pixels, with a border of 1
constexpr int TILE_ROWS = 4;
constexpr int TILE_WINDOWS = TILE_COLUMNS * TILE_ROWS;
constexpr int PATCH_ROWS = 2 * TILE_ROWS + 2;
constexpr int PATCH_STRIDE = 2 * TILE_COLUMNS + 4;  // even, for 8-byte loads; rows shift banks by 4
constexpr int THREADS = 256;
constexpr int OUTPUTS = 32;        // output channels a block
constexpr int OUTPUTS_A_THREAD = OUTPUTS * TILE_WINDOWS / THREADS;
constexpr int FILTER_STRIDE = 28;  // the taps and the bias: seven 16-byte loads
constexpr int WARPS = THREADS / 32;

struct Tile {
  int image;
  int row;     // of the first window, counted in windows
  int column;
};

__device__ __forceinline__ Tile tileAt(int index, int pooledHeight, int pooledWidth) {
  const int across = (pooledWidth + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const int down = (pooledHeight + TILE_ROWS - 1) / TILE_ROWS;
  return {index / (across * down), index / across % down * TILE_ROWS,
          index % across * TILE_COLUMNS};
}

// The tile's pixels and their border; zero outside of the image.
__device__ __forceinline__ void loadPatch(
    float (&patch)[INPUTS][PATCH_ROWS][PATCH_STRIDE], const float* __restrict__ x, Tile tile,
    int height, int width) {
  for (int i = threadIdx.x; i < INPUTS * PATCH_ROWS * PATCH_STRIDE; i += THREADS) {
    const int column = i % PATCH_STRIDE;
    const int row = i / PATCH_STRIDE % PATCH_ROWS;
    const int input = i / (PATCH_STRIDE * PATCH_ROWS);
    const int imageRow = 2 * tile.row + row - 1;
    const int imageColumn = 2 * tile.column + column - 1;
    const bool inside = imageRow >= 0 && imageRow < height && imageColumn >= 0 && imageColumn < width;
    patch[input][row][column] =
        inside ? x[(((size_t)tile.image * INPUTS + input) * height + imageRow) * width + imageColumn]
               : 0.0f;
  }
}

// The place of a window's element in pooled, mask and dPooled.
template <bool NHWC>
__device__ __forceinline__ size_t pooledAt(
    Tile tile, int row, int column, int channel, int channels, int pooledHeight, int pooledWidth) {
  return NHWC ? (((size_t)tile.image * pooledHeight + row) * pooledWidth + column) * channels + channel
              : (((size_t)tile.image * channels + channel) * pooledHeight + row) * pooledWidth + column;
}

// ---- Forward
// Shapes : x [N, 3, H, W], weight [channels, 3, 3, 3], bias [channels], pooled and mask (uint8)
//          [N, channels, H/2, W/2] (nchw) or [N, H/2, W/2, channels] (nhwc). H and W even.
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
  __shared__ __align__(16) float filters[OUTPUTS][FILTER_STRIDE];
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;
  const Tile tile = tileAt(blockIdx.x, pooledHeight, pooledWidth);
  const int firstChannel = blockIdx.y * OUTPUTS;
  loadPatch(patch, x, tile, height, width);
  for (int i = threadIdx.x; i < OUTPUTS * FILTER_STRIDE; i += THREADS) {
    const int channel = firstChannel + i / FILTER_STRIDE;
    const int tap = i % FILTER_STRIDE;
    float value = 0.0f;
    if (channel < channels) value = tap < TAPS ? weight[channel * TAPS + tap] : bias[channel];
    filters[i / FILTER_STRIDE][tap] = value;
  }
  __syncthreads();

  const int window = threadIdx.x % TILE_WINDOWS;
  const int row = window / TILE_COLUMNS;
  const int column = window % TILE_COLUMNS;
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
  Largest largest[OUTPUTS_A_THREAD];
#pragma unroll
  for (int o = 0; o < OUTPUTS_A_THREAD; ++o) {
    float filter[FILTER_STRIDE];
#pragma unroll
    for (int i = 0; i < FILTER_STRIDE; i += 4) {
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

// ---- Backward, first stage: the sums of a block's tiles
// Shapes : as forward; partials [count, 28, channels], the last of the 28 for the bias.
// Launch : 256 threads, grid (count, ceil(channels/32)) with count = min(tiles, 256): a block takes
//          the tiles blockIdx.x, blockIdx.x + count, ...; a lane an output channel, a warp every
//          eighth window. The masks of a window differ by lane: at most four words, in four banks.
// Traffic: 4*3*N*H*W + 5 bytes a window + 112*count*channels.   Writes: partials once, no overlap.
// Sums   : a warp's windows in order, then the warps, then (second stage) the blocks.
// Oracle : PyTorch's gradients; 1e-6*sum|g||x|.
// Ladder : v0 the library's pooling, activation, bias and filter gradients; v1 this.
template <bool NHWC>
__device__ __forceinline__ void backward(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ x, float* __restrict__ partials, int images, int channels, int height,
    int width) {
  __shared__ __align__(16) float patch[INPUTS][PATCH_ROWS][PATCH_STRIDE];
  __shared__ float gradients[TILE_WINDOWS][OUTPUTS + 1];  // + 1: written by columns in nchw
  __shared__ unsigned char masks[TILE_WINDOWS][OUTPUTS + 1];
  __shared__ float sums[WARPS][FILTER_STRIDE][OUTPUTS];
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;
  const int tilesAnImage = (pooledHeight + TILE_ROWS - 1) / TILE_ROWS *
                           ((pooledWidth + TILE_COLUMNS - 1) / TILE_COLUMNS);
  const int firstChannel = blockIdx.y * OUTPUTS;
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  float sum[FILTER_STRIDE] = {};
  for (int index = blockIdx.x; index < images * tilesAnImage; index += gridDim.x) {
    const Tile tile = tileAt(index, pooledHeight, pooledWidth);
    __syncthreads();  // the tile before may still be being read
    loadPatch(patch, x, tile, height, width);
    for (int i = threadIdx.x; i < TILE_WINDOWS * OUTPUTS; i += THREADS) {
      // Neighbouring threads read neighbouring addresses.
      const int window = NHWC ? i / OUTPUTS : i % TILE_WINDOWS;
      const int output = NHWC ? i % OUTPUTS : i / TILE_WINDOWS;
      const int row = tile.row + window / TILE_COLUMNS;
      const int column = tile.column + window % TILE_COLUMNS;
      float gradient = 0.0f;
      int from = 0;
      if (row < pooledHeight && column < pooledWidth && firstChannel + output < channels) {
        const size_t at = pooledAt<NHWC>(
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
      const float* corner = &patch[0][2 * (window / TILE_COLUMNS) + from / 2]
                                  [2 * (window % TILE_COLUMNS) + from % 2];
#pragma unroll
      for (int tap = 0; tap < TAPS; ++tap) {
        const int offset = (tap / 9 * PATCH_ROWS + tap / 3 % 3) * PATCH_STRIDE + tap % 3;
        sum[tap] = fmaf(gradient, corner[offset], sum[tap]);
      }
      sum[TAPS] += gradient;
    }
  }
#pragma unroll
  for (int tap = 0; tap < FILTER_STRIDE; ++tap) sums[warp][tap][lane] = sum[tap];
  __syncthreads();
  for (int i = threadIdx.x; i < FILTER_STRIDE * OUTPUTS; i += THREADS) {
    const int output = i % OUTPUTS;
    const int tap = i / OUTPUTS;
    float total = 0.0f;
    for (int w = 0; w < WARPS; ++w) total += sums[w][tap][output];
    if (firstChannel + output < channels) {
      partials[((size_t)blockIdx.x * FILTER_STRIDE + tap) * channels + firstChannel + output] = total;
    }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) image_convolution_backward_nchw_fused_f32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ x, float* __restrict__ partials, int images, int channels, int height,
    int width) {
  backward<false>(dPooled, mask, x, partials, images, channels, height, width);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) image_convolution_backward_nhwc_fused_f32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ x, float* __restrict__ partials, int images, int channels, int height,
    int width) {
  backward<true>(dPooled, mask, x, partials, images, channels, height, width);
}

// ---- Backward, second stage: adds the blocks' sums
// Shapes : partials [count, 28, channels], dWeight [channels, 3, 3, 3], dBias [channels].
// Launch : 32 x 8 threads, grid ceil(28*channels/32): line y adds partials y, y + 8, ..., then the
//          lines are added in order.
// Traffic: 112*count*channels + 112*channels bytes.   Writes: each output once, no overlap.
// Ladder : v1.      Oracle: 1e-6*sum|partials|.
extern "C" __global__ void __launch_bounds__(COLUMNS* LINES) image_convolution_gradient_fused_f32_v1(
    const float* __restrict__ partials, float* __restrict__ dWeight, float* __restrict__ dBias,
    int count, int channels) {
  const int at = blockIdx.x * COLUMNS + threadIdx.x;
  const int sums = FILTER_STRIDE * channels;
  float sum = 0.0f;
  if (at < sums) {
#pragma unroll 4
    for (int i = threadIdx.y; i < count; i += LINES) sum += partials[(size_t)i * sums + at];
  }
  sum = sumOfLines(sum);
  if (threadIdx.y != 0 || at >= sums) return;
  const int tap = at / channels;
  const int channel = at % channels;
  if (tap < TAPS) {
    dWeight[channel * TAPS + tap] = sum;
  } else {
    dBias[channel] = sum;
  }
}
