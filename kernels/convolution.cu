// A 3x3 convolution with padding 1 and the 2x2 max-pool behind it on tensor cores in TF32, for layers of
// many channels: forward with bias and ReLU, and backward to its input. The first layer, whose three channels
// leave tensor cores idle, is in image_convolution.cu, the gradients of the filters in filter_gradient.cu.
//   z[n,k,y,x]   = sum over c, r, s of w[k,c,r,s] x[n, c, y+r-1, x+s-1]
//   pooled, mask = what convolution_block.cu says, of z
//   dx[n,c,y,x]  = sum over k, r, s of w[k,c,2-r,2-s] dz[n, k, y+r-1, x+s-1],
//                  dz = dPooled at the masked pixel of each window, 0 elsewhere
// Both are one product: channels of the result by pixels, summed over channels and taps. What the pool needs
// of it lies in one thread, so that neither z nor dz is ever written; the library writes and reads each, four
// times the size of pooled.
//
// Tiles : a block has 64 or 32 channels of the result and 16 x 8 pixels, a warp 16 channels and 8 columns of
//         8 or 4 lines. Filters and pixels of eight channels at a time go through shared memory, rounded to
//         TF32 on their way; the next eight are loaded meanwhile.
// Shared: pixels are taken to registers once for the three taps of a column of the filter, which multiply
//         them line by line: with 8 lines 2*(8 + 2) loads of pixels and 3*4 of filters serve 24 products,
//         1.3 each (with 4 lines 2). Strides keep loads and stores free of bank conflicts.
// Sums  : eight channels after the other; for each the columns of the filter, then its lines, then the eight
//         at once, as multiplyAdd does it. One order whatever the grid.
// Error : a product is off by no more than 2^-20 of |c| + sum|ab| (a stated choice, native-notes/emulator.md),
//         and no |c| exceeds the sum over all: in all 9*ceil(channels/8)*2^-20*sum|w||x|, with w and x rounded
//         to TF32, which takes 2^-11 of each.
// Limits: fewer than 2^30 elements of all filters, and of an image on either side.
#include "image_tile.cuh"
#include "pooling.cuh"
#include "tensor_core.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr int DEPTH = 8;          // channels at a time: of a product, and one a warp to load
constexpr int TILE_LINES = 8;
constexpr int TILE_COLUMNS = 16;
constexpr int PAIRS = TILE_COLUMNS / 2 + 2;  // of a tile's line with a pair of columns on either side
constexpr int LINES_AT_ONCE = 32 / PAIRS;    // that a warp loads; two lanes have nothing to do
static_assert(DEPTH == WARPS, "a warp loads a channel");

// A warp's part of the block's results, and where a lane finds its elements of them (tensor_core.cuh).
template <int RESULTS>
struct WarpTile {
  static constexpr int LINES = RESULTS / 8;
  int channel;  // the first of 16, in the block
  int line;     // the first of LINES, in the tile
  int column;   // the first of 8
  int group;    // of the lane: its channel, and the channel 8 further
  int place;    // of the lane in its group: its pair of columns

  __device__ WarpTile() {
    const int warp = threadIdx.x / 32;
    const int part = warp / (RESULTS / 16);
    channel = warp % (RESULTS / 16) * 16;
    line = part / 2 * LINES;
    column = part % 2 * 8;
    group = threadIdx.x % 32 / 4;
    place = threadIdx.x % 4;
  }
};

// How eight channels of filters and pixels lie in shared memory, in elements. With g = lane / 4 and
// t = lane % 4 a fragment of filters is at g*RESULT + t*CHANNEL, one of pixels at t*PLANE + g: 32 banks each.
struct ForwardLayout {
  static constexpr int RESULT = DEPTH * TAPS + 4;  // of filters, from a channel of the result to the next,
  static constexpr int CHANNEL = TAPS;             // from a channel that is summed over to the next
  static constexpr int LINE = 2 * PAIRS;           // of pixels
  static constexpr int BORDER = 1;                 // lines above and below the tile
  static constexpr int PLANE = (TILE_LINES + 2 * BORDER) * LINE;
  static constexpr bool REVERSED = false;          // the taps
};

template <int RESULTS>
struct BackwardLayout {
  static constexpr int RESULT = TAPS;
  static constexpr int CHANNEL = RESULTS * TAPS + 8;
  static constexpr int LINE = 2 * PAIRS + 6;  // the lines of neighbouring windows do not share a bank
  static constexpr int BORDER = 2;            // a line of windows
  static constexpr int PLANE = (TILE_LINES + 2 * BORDER) * LINE;
  static constexpr bool REVERSED = true;
};

// Adds the products of eight channels.
template <class Layout, int RESULTS>
__device__ __forceinline__ void addProducts(
    float (&sum)[RESULTS / 8][4], const unsigned* filters, const uint2* pixels,
    const WarpTile<RESULTS>& at) {
  constexpr int LINES = RESULTS / 8;
  const unsigned* filter =
      filters + (at.channel + at.group) * Layout::RESULT + at.place * Layout::CHANNEL;
  const unsigned* pixel = reinterpret_cast<const unsigned*>(pixels) + at.place * Layout::PLANE +
                          (at.line + Layout::BORDER - 1) * Layout::LINE + at.column + at.group + 1;
#pragma unroll
  for (int s = 0; s < 3; ++s) {
    unsigned near[LINES + 2][2];
#pragma unroll
    for (int line = 0; line < LINES + 2; ++line) {
      near[line][0] = pixel[line * Layout::LINE + s];
      near[line][1] = pixel[line * Layout::LINE + s + 4 * Layout::PLANE];
    }
#pragma unroll
    for (int r = 0; r < 3; ++r) {
      const int tap = 3 * r + s;
      const unsigned* first = filter + (Layout::REVERSED ? TAPS - 1 - tap : tap);
      const unsigned a[4] = {first[0], first[8 * Layout::RESULT], first[4 * Layout::CHANNEL],
                             first[8 * Layout::RESULT + 4 * Layout::CHANNEL]};
#pragma unroll
      for (int line = 0; line < LINES; ++line) multiplyAdd(sum[line], a, near[line + r]);
    }
  }
}

__device__ __forceinline__ uint2 toTf32(float left, float right) {
  return make_uint2(toTf32(left), toTf32(right));
}

// ---- Forward
// Shapes : x [N, inputs, H, W], weight [channels, inputs, 3, 3], bias [channels], pooled and mask (uint8)
//          [N, channels, H/2, W/2]. H and W even, x on an 8-byte boundary.
// Launch : 256 threads, grid (tiles, ceil(channels/64)).
// Traffic: 4*(N*inputs*H*W + (9*inputs + 1)*channels) + 5 bytes a window; x is read again, from the L2
//          cache, for every 64 channels and at the borders of tiles, filters for every tile.
// Writes : each output once, no overlap.
// Oracle : float64 on rounded factors, within Error above + 2^-23*(sum|w||x| + |b|); whole numbers exactly.
// Ladder : v0 the library's convolution and bias_relu_pool; v1 this.
constexpr int BLOCK_OUTPUTS = 64;

extern "C" __global__ void __launch_bounds__(THREADS, 2) convolution_pool_nchw_fused_tf32_v1(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    float* __restrict__ pooled, unsigned char* __restrict__ mask, int images, int inputs, int channels,
    int height, int width) {
  using Layout = ForwardLayout;
  constexpr int LOADED_LINES = TILE_LINES + 2 * Layout::BORDER;
  constexpr int PAIRS_A_LANE = (LOADED_LINES + LINES_AT_ONCE - 1) / LINES_AT_ONCE;
  constexpr int ROWS = BLOCK_OUTPUTS / 32;  // of filters, a thread; eight threads share one
  __shared__ unsigned filters[BLOCK_OUTPUTS * Layout::RESULT];
  __shared__ uint2 pixels[DEPTH * Layout::PLANE / 2];
  __shared__ Tile keptTile;  // until the sums leave registers for it
  const Tile tile = tileAt<TILE_LINES, TILE_COLUMNS>(blockIdx.x, height, width);
  if (threadIdx.x == 0) keptTile = tile;
  const int firstOutput = blockIdx.y * BLOCK_OUTPUTS;
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;

  // A pair of pixels is inside of the image or outside as one.
  const int loadedLine = lane / PAIRS;
  const int line = tile.row + loadedLine - Layout::BORDER;
  const int column = tile.column + lane % PAIRS * 2 - 2;
  const bool loads = loadedLine < LINES_AT_ONCE && column >= 0 && column < width;
  const float* image = x + (size_t)tile.image * inputs * height * width;

  // Rows two apart, so that those of one warp fall into different banks.
  const int row = warp / 2 * 8 + lane / 8 * 2 + warp % 2;
  const int element = lane % 8;
  const int filterAt = (firstOutput + row) * inputs * TAPS + element;

  float2 nextPair[PAIRS_A_LANE];
  float nextFilter[ROWS][TAPS];
  const auto load = [&](int first) {
    const int pairAt = ((first + warp) * height + line) * width + column;
#pragma unroll
    for (int i = 0; i < PAIRS_A_LANE; ++i) {
      const int below = LINES_AT_ONCE * i;
      const bool exists = loads && loadedLine + below < LOADED_LINES && line + below >= 0 &&
                          line + below < height && first + warp < inputs;
      nextPair[i] = exists ? *reinterpret_cast<const float2*>(image + (pairAt + below * width))
                           : make_float2(0.0f, 0.0f);
    }
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
      const float* from = weight + filterAt + (32 * i * inputs + first) * TAPS;
      const bool exists = firstOutput + row + 32 * i < channels;
      const int elements = exists ? (inputs - first) * TAPS - element : 0;
#pragma unroll
      for (int q = 0; q < TAPS; ++q) nextFilter[i][q] = 8 * q < elements ? from[8 * q] : 0.0f;
    }
  };

  const WarpTile<BLOCK_OUTPUTS> at;
  float sum[at.LINES][4] = {};
  load(0);
  for (int first = 0; first < inputs; first += DEPTH) {
    __syncthreads();  // the eight channels before may still be being read
#pragma unroll
    for (int i = 0; i < PAIRS_A_LANE; ++i) {
      const int below = LINES_AT_ONCE * i;
      if (loadedLine >= LINES_AT_ONCE || loadedLine + below >= LOADED_LINES) break;
      pixels[(warp * Layout::PLANE + below * Layout::LINE) / 2 + lane] =
          toTf32(nextPair[i].x, nextPair[i].y);
    }
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
#pragma unroll
      for (int q = 0; q < TAPS; ++q) {
        filters[(row + 32 * i) * Layout::RESULT + element + 8 * q] = toTf32(nextFilter[i][q]);
      }
    }
    __syncthreads();
    if (first + DEPTH < inputs) load(first + DEPTH);
    addProducts<Layout>(sum, filters, pixels, at);
  }

  const Tile done = keptTile;
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;
  const int pooledColumn = (done.column + at.column) / 2 + at.place;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int channel = firstOutput + at.channel + at.group + 8 * half;
    if (channel >= channels) break;
    const float b = bias[channel];
#pragma unroll
    for (int i = 0; i < at.LINES; i += 2) {
      const int pooledLine = (done.row + at.line + i) / 2;
      if (pooledLine >= pooledHeight || pooledColumn >= pooledWidth) break;
      const WindowMax largest = pool(sum[i][2 * half] + b, sum[i][2 * half + 1] + b,
                                     sum[i + 1][2 * half] + b, sum[i + 1][2 * half + 1] + b);
      const size_t plane = ((size_t)done.image * channels + channel) * pooledHeight;
      const size_t to = (plane + pooledLine) * pooledWidth + pooledColumn;
      pooled[to] = largest.value;
      mask[to] = largest.index;
    }
  }
}

// ---- Backward, to the input
// Shapes : dPooled and mask (uint8) [N, channels, H/2, W/2], weight [channels, inputs, 3, 3],
//          dx [N, inputs, H, W]. H and W even, dx on an 8-byte boundary. Where the mask names no pixel,
//          nothing passes, whatever dPooled is.
// Launch : 256 threads, grid (tiles, ceil(inputs/RESULTS)), RESULTS being 32 (c32) or 64 (c64).
// Traffic: 4*(N*inputs*H*W + 9*inputs*channels) + 5 bytes a window; dPooled and mask are read again, from
//          the L2 cache, for every RESULTS inputs and at the borders of tiles, filters for every tile.
// Writes : dx once, no overlap.
// Oracle : float64 on rounded factors, within Error above, of w and dz; whole numbers exactly.
// Ladder : v0 bias_relu_pool_backward and the library's gradient of the data; v1 this.
template <int RESULTS>
__device__ __forceinline__ void backward(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ weight, float* __restrict__ dx, int inputs, int channels, int height,
    int width) {
  using Layout = BackwardLayout<RESULTS>;
  constexpr int WINDOWS_A_LANE = (TILE_LINES / 2 + 2) / LINES_AT_ONCE;
  constexpr int FILTERS_A_LANE = RESULTS * TAPS / 32;
  __shared__ unsigned filters[DEPTH * Layout::CHANNEL];
  __shared__ uint2 pixels[DEPTH * Layout::PLANE / 2];
  const Tile tile = tileAt<TILE_LINES, TILE_COLUMNS>(blockIdx.x, height, width);
  const int firstInput = blockIdx.y * RESULTS;
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const int pooledHeight = height / 2;
  const int pooledWidth = width / 2;

  const int line = tile.row / 2 + lane / PAIRS - 1;
  const int column = tile.column / 2 + lane % PAIRS - 1;
  const bool loads = lane / PAIRS < LINES_AT_ONCE && column >= 0 && column < pooledWidth;
  const size_t image = (size_t)tile.image * channels * pooledHeight * pooledWidth;

  float nextGradient[WINDOWS_A_LANE];
  int nextFrom[WINDOWS_A_LANE];
  float nextFilter[FILTERS_A_LANE];
  const auto load = [&](int first) {
    const bool channelExists = first + warp < channels;
    const int windowAt = ((first + warp) * pooledHeight + line) * pooledWidth + column;
#pragma unroll
    for (int i = 0; i < WINDOWS_A_LANE; ++i) {
      const int below = LINES_AT_ONCE * i;
      const bool exists = loads && line + below >= 0 && line + below < pooledHeight && channelExists;
      nextGradient[i] = exists ? dPooled[image + (windowAt + below * pooledWidth)] : 0.0f;
      nextFrom[i] = exists ? mask[image + (windowAt + below * pooledWidth)] : DEAD;
    }
    const float* from = weight + ((first + warp) * inputs + firstInput) * TAPS + lane;
    const int elements = channelExists ? (inputs - firstInput) * TAPS - lane : 0;
#pragma unroll
    for (int q = 0; q < FILTERS_A_LANE; ++q) nextFilter[q] = 32 * q < elements ? from[32 * q] : 0.0f;
  };

  const WarpTile<RESULTS> at;
  float sum[at.LINES][4] = {};
  load(0);
  for (int first = 0; first < channels; first += DEPTH) {
    __syncthreads();  // the eight channels before may still be being read
#pragma unroll
    for (int i = 0; i < WINDOWS_A_LANE; ++i) {
      if (lane / PAIRS >= LINES_AT_ONCE) break;
      const int loadedLine = lane / PAIRS + LINES_AT_ONCE * i;
      uint2* top = pixels + warp * Layout::PLANE / 2 + loadedLine * Layout::LINE + lane % PAIRS;
      const unsigned gradient = toTf32(nextGradient[i]);
      const int from = nextFrom[i];
      top[0] = make_uint2(from == 0 ? gradient : 0, from == 1 ? gradient : 0);
      top[Layout::LINE / 2] = make_uint2(from == 2 ? gradient : 0, from == 3 ? gradient : 0);
    }
#pragma unroll
    for (int q = 0; q < FILTERS_A_LANE; ++q) {
      filters[warp * Layout::CHANNEL + lane + 32 * q] = toTf32(nextFilter[q]);
    }
    __syncthreads();
    if (first + DEPTH < channels) load(first + DEPTH);
    addProducts<Layout>(sum, filters, pixels, at);
  }

  const int outputColumn = tile.column + at.column + 2 * at.place;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int input = firstInput + at.channel + at.group + 8 * half;
    if (input >= inputs) break;
#pragma unroll
    for (int i = 0; i < at.LINES; ++i) {
      const int outputLine = tile.row + at.line + i;
      if (outputLine >= height || outputColumn >= width) break;
      const size_t plane = ((size_t)tile.image * inputs + input) * height;
      float* to = dx + (plane + outputLine) * width + outputColumn;
      *reinterpret_cast<float2*>(to) = make_float2(sum[i][2 * half], sum[i][2 * half + 1]);
    }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) convolution_pool_backward_c32_nchw_fused_tf32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ weight, float* __restrict__ dx, int images, int inputs, int channels,
    int height, int width) {
  backward<32>(dPooled, mask, weight, dx, inputs, channels, height, width);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) convolution_pool_backward_c64_nchw_fused_tf32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ weight, float* __restrict__ dx, int images, int inputs, int channels,
    int height, int width) {
  backward<64>(dPooled, mask, weight, dx, inputs, channels, height, width);
}
