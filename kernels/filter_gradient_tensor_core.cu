// The gradients of filter_gradient.cu with factors in TF32, on tensor cores: compute capability 8.0 and later.
//   dw[k,c,r,s] = sum over pixels of dy[n, k, y, x] x[n, c, y+r-1, x+s-1],   db[k] = sum of dPooled that passes
// is a product of matrices: rows are outputs k, columns the inputs c at one tap, and the sums run over pixels.
// dy is the gradient before the pool, three zeros in four. It is never written: one word has a window's
// gradient, and in the bits that TF32 lacks its mask; a factor is the gradient where the mask names the pixel,
// else 0. The order of pixels in a sum is free: a lane takes the two that a window has in a row. The four
// pixels of x in the row above, level with or below them serve three taps, and the rows below three more each.
//
// Shapes : dPooled and mask (uint8) [N, channels, H/2, W/2], x [N, inputs, H, W], on 8-byte boundaries, H and
//          W even; partials [count, 9*inputs + 1, channels]: the taps of each input, and the bias.
// Launch : 256 threads, grid (count, ceil(channels/32)*ceil(inputs/16)): a block takes the tiles blockIdx.x,
//          blockIdx.x + count, ..., each 4 x 8 windows, fetches the next while it multiplies one, and has 32
//          outputs and 16 inputs; a warp 16 of the outputs, 8 of the inputs and half of each tile's columns,
//          its 9 x 16 x 8 sums in registers. 28 reads of shared memory serve 72 products; no bank conflict.
// Traffic: 4*inputs*N*H*W + 5 bytes a window and channel + 4*count*(9*inputs + 1)*channels; dPooled and mask
//          are read again, from the L2 cache, for every 16 inputs, and x for every 32 outputs.
// Writes : partials once, no overlap.
// Sums   : a warp's tiles in order, in each its eight rows in order, eight pixels a product; then the halves,
//          then (second stage, filter_gradient.cu) the blocks. The bias in float32: a lane's windows in order,
//          then the lanes.
// Oracle : PyTorch's gradients of factors rounded to TF32. Each of the 8 products a tile and the last addition
//          errs by at most 2^-20 of the absolute values so far (MatrixOps): (8*ceil(tiles/count) + 1)*2^-20
//          of sum|g||x|; the bias 1e-6*sum|g|.
// What is not finite in x reaches every output of its inputs and tile: zeros of dy are multiplied too, as the
// library multiplies them.
// Ladder : v1.
#include "image_tile.cuh"
#include "pooling.cuh"
#include "tensor_core.cuh"
#include "warp_reduction.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr int BLOCK_OUTPUTS = 32;  // output channels a block: two times the rows of a product
constexpr int BLOCK_INPUTS = 16;   // input channels a block: two times the columns of a product
constexpr int TILE_ROWS = 4;       // a tile is 4 x 8 windows, one a lane: 8 x 16 pixels, with a border of 1
constexpr int TILE_COLUMNS = 8;
constexpr int PATCH_ROWS = 2 * TILE_ROWS + 2;
constexpr int PATCH_COLUMNS = 2 * TILE_COLUMNS + 2;
constexpr int INPUT_STRIDE = 184;    // 180 are used; 24 mod 32: the pairs of half a warp differ in bank
constexpr int WINDOW_STRIDE = 36;    // 32 are used; 4 mod 32: the windows of a warp differ in bank
constexpr unsigned TF32_BITS = 0xffffe000;

// The factors of a tile's products: x as TF32, and of each window its gradient as TF32 and its mask.
struct Factors {
  unsigned x[BLOCK_INPUTS][INPUT_STRIDE];
  unsigned windows[BLOCK_OUTPUTS][WINDOW_STRIDE];
};

// What a thread has fetched of a tile: of one input a pair of pixels in every other row, of another up to two
// pixels of the border, and one window of every eighth output.
struct Fetched {
  float2 pairs[PATCH_ROWS / 2];
  float border[2];
  float gradients[BLOCK_OUTPUTS / WARPS];
  int masks[BLOCK_OUTPUTS / WARPS];
};

// A layer, and which of its outputs and inputs the block has.
struct Layer {
  const float* __restrict__ dPooled;
  const unsigned char* __restrict__ mask;
  const float* __restrict__ x;
  int inputs;
  int channels;
  int height;
  int width;
  int firstInput;
  int firstOutput;

  __device__ int pooledHeight() const { return height / 2; }
  __device__ int pooledWidth() const { return width / 2; }
  __device__ int tilesDown() const { return (pooledHeight() + TILE_ROWS - 1) / TILE_ROWS; }
  __device__ int tilesAcross() const { return (pooledWidth() + TILE_COLUMNS - 1) / TILE_COLUMNS; }
  // Whether tiles have neighbours in their row; else the pixels beside them are zero.
  __device__ bool bordered() const { return tilesAcross() > 1; }

  // Row and column are counted in tiles.
  __device__ Tile tile(int index) const {
    return tileAt<1, 1>(index, tilesDown(), tilesAcross());
  }
  // The tile so many further on, without a division.
  __device__ Tile after(Tile tile, Tile step) const {
    tile.column += step.column;
    if (tile.column >= tilesAcross()) {
      tile.column -= tilesAcross();
      ++tile.row;
    }
    tile.row += step.row;
    if (tile.row >= tilesDown()) {
      tile.row -= tilesDown();
      ++tile.image;
    }
    tile.image += step.image;
    return tile;
  }

  // A plane of x from its first pixel on.
  __device__ const float* plane(int image, int input) const {
    return x + (size_t)(image * inputs + input) * (height * width);
  }
  // How many rows a column of a plane has: none if it is not there.
  __device__ unsigned rowsOf(int input, int column) const {
    return input < inputs && column >= 0 && column < width ? height : 0;
  }
};

// Where in the patch a thread's first pair is: eight threads a row, 16 inputs, two rows at a time.
struct PairPlace {
  int column = threadIdx.x % TILE_COLUMNS * 2;
  int input = threadIdx.x / TILE_COLUMNS % BLOCK_INPUTS;
  int row = threadIdx.x / (TILE_COLUMNS * BLOCK_INPUTS);
};

// Where its first pixel of the border is, the second being eight rows below: a warp has both sides of four
// rows of four inputs, which differ in bank.
struct BorderPlace {
  int right = threadIdx.x % 2;
  int input = threadIdx.x / 32 % 4 * 4 + threadIdx.x / 2 % 4;
  int row = threadIdx.x / 128 * 4 + threadIdx.x / 8 % 4;

  __device__ bool has(int pixel) const { return pixel == 0 || row + 8 < PATCH_ROWS; }
};

__device__ __forceinline__ Fetched fetch(const Layer& layer, Tile tile) {
  Fetched fetched;
  const int firstRow = tile.row * TILE_ROWS * 2 - 1;       // of the patch
  const int firstColumn = tile.column * TILE_COLUMNS * 2;  // of the windows
  const PairPlace pair;
  {
    const int input = layer.firstInput + pair.input;
    const int column = firstColumn + pair.column;
    const unsigned rows = layer.rowsOf(input, column);
    int row = firstRow + pair.row;
    const float* at = layer.plane(tile.image, input) + row * layer.width + column;
#pragma unroll
    for (int i = 0; i < PATCH_ROWS / 2; ++i) {
      fetched.pairs[i] = row < rows ? *reinterpret_cast<const float2*>(at) : make_float2(0.0f, 0.0f);
      row += 2;
      at += 2 * layer.width;
    }
  }
  if (layer.bordered()) {
    const BorderPlace border;
    const int input = layer.firstInput + border.input;
    const int column = firstColumn - 1 + border.right * (PATCH_COLUMNS - 1);
    const unsigned rows = layer.rowsOf(input, column);
    const float* plane = layer.plane(tile.image, input) + column;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = firstRow + border.row + 8 * i;
      fetched.border[i] = row < rows && border.has(i) ? plane[row * layer.width] : 0.0f;
    }
  }
  const int row = tile.row * TILE_ROWS + threadIdx.x % 32 / TILE_COLUMNS;
  const int column = tile.column * TILE_COLUMNS + threadIdx.x % TILE_COLUMNS;
  const int output = layer.firstOutput + threadIdx.x / 32;
  const int outputs =  // none of a window that is not there
      row < layer.pooledHeight() && column < layer.pooledWidth() ? layer.channels : 0;
  const int windows = layer.pooledHeight() * layer.pooledWidth();
  size_t at = (size_t)(tile.image * layer.channels + output) * windows +
              row * layer.pooledWidth() + column;
#pragma unroll
  for (int i = 0; i < BLOCK_OUTPUTS / WARPS; ++i) {
    fetched.gradients[i] = 0.0f;
    fetched.masks[i] = DEAD;
    if (output + i * WARPS < outputs) {
      fetched.gradients[i] = layer.dPooled[at];
      fetched.masks[i] = layer.mask[at];
    }
    at += WARPS * windows;
  }
  return fetched;
}

__device__ __forceinline__ void putBorder(Factors& factors, const float (&pixels)[2]) {
  const BorderPlace border;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    if (border.has(i)) {
      factors.x[border.input][(border.row + 8 * i) * PATCH_COLUMNS +
                              border.right * (PATCH_COLUMNS - 1)] = toTf32(pixels[i]);
    }
  }
}

__device__ __forceinline__ void put(Factors& factors, const Fetched& fetched) {
  const PairPlace pair;
  // Inputs take turns with the left and the right pixel: left of all, then right of all, use half the banks.
  const int turn = pair.input % 2;
#pragma unroll
  for (int i = 0; i < PATCH_ROWS / 2; ++i) {
    const float2 two = fetched.pairs[i];
    unsigned* at = &factors.x[pair.input][(pair.row + 2 * i) * PATCH_COLUMNS + pair.column + 1];
    at[turn] = toTf32(turn == 0 ? two.x : two.y);
    at[1 - turn] = toTf32(turn == 0 ? two.y : two.x);
  }
#pragma unroll
  for (int i = 0; i < BLOCK_OUTPUTS / WARPS; ++i) {
    factors.windows[threadIdx.x / 32 + i * WARPS][threadIdx.x % 32] =
        toTf32(fetched.gradients[i]) & TF32_BITS | fetched.masks[i];  // & for the bits of a NaN
  }
}

// The gradient of a window's pixel, numbered as in masks; no pixel is numbered DEAD.
__device__ __forceinline__ unsigned unpooled(unsigned window, int pixel) {
  return (window & ~TF32_BITS) == pixel ? window & TF32_BITS : 0;
}

// What a warp has of a block's sums: 16 outputs, 8 inputs, and one half of the columns to sum over.
struct WarpPart {
  int output = threadIdx.x / 32 % 2 * 16;
  int input = threadIdx.x / 64 % 2 * 8;
  int half = threadIdx.x / 128;
  int row = threadIdx.x % 32 / 4;  // of the lane, in the matrices
  int column = threadIdx.x % 4;
};

__device__ __forceinline__ void multiply(float (&sum)[TAPS][4], const Factors& factors) {
  const WarpPart part;
  const int column = part.half * (TILE_COLUMNS / 2) + part.column;
  const unsigned* windows = &factors.windows[part.output + part.row][column];
  const unsigned* x = &factors.x[part.input + part.row][2 * column];
  unsigned pairs[PATCH_ROWS][3][2];  // of each row, for the taps of a filter's row
#pragma unroll
  for (int row = 0; row < PATCH_ROWS; ++row) {
    const uint2* line = reinterpret_cast<const uint2*>(x + row * PATCH_COLUMNS);
    const uint2 left = line[0];
    const uint2 right = line[1];
    pairs[row][0][0] = left.x;
    pairs[row][0][1] = left.y;
    pairs[row][1][0] = left.y;
    pairs[row][1][1] = right.x;
    pairs[row][2][0] = right.x;
    pairs[row][2][1] = right.y;
    if (row < 2) continue;
    const int y = row - 2;  // of the pixels; the patch begins a row above
    const unsigned upper = windows[y / 2 * TILE_COLUMNS];
    const unsigned lower = windows[8 * WINDOW_STRIDE + y / 2 * TILE_COLUMNS];
    const int pixel = y % 2 * 2;
    const unsigned a[4] = {unpooled(upper, pixel), unpooled(lower, pixel),
                           unpooled(upper, pixel + 1), unpooled(lower, pixel + 1)};
#pragma unroll
    for (int tap = 0; tap < TAPS; ++tap) multiplyAdd(sum[tap], a, pairs[y + tap / 3][tap % 3]);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) filter_gradient_partials_nchw_fused_tf32_v1(
    const float* __restrict__ dPooled, const unsigned char* __restrict__ mask,
    const float* __restrict__ x, float* __restrict__ partials, int images, int inputs, int channels,
    int height, int width) {
  __shared__ __align__(16) Factors factors[2];
  const int groups = (inputs + BLOCK_INPUTS - 1) / BLOCK_INPUTS;  // of input channels
  const int group = blockIdx.y % groups;
  const int firstOutput = blockIdx.y / groups * BLOCK_OUTPUTS;
  const int firstInput = group * BLOCK_INPUTS;
  const Layer layer = {dPooled, mask, x, inputs, channels, height, width, firstInput, firstOutput};
  const WarpPart part;
  const bool present = layer.firstInput + part.input < inputs;  // else there is nothing to add
  float sum[TAPS][4] = {};
  float bias[BLOCK_OUTPUTS / WARPS] = {};
  putBorder(factors[0], {0.0f, 0.0f});
  putBorder(factors[1], {0.0f, 0.0f});
  const Tile step = layer.tile(gridDim.x);
  Tile tile = layer.tile(blockIdx.x);
  Fetched next = fetch(layer, tile);
  int turn = 0;
  do {  // every block has a tile
    put(factors[turn], next);
    if (layer.bordered()) putBorder(factors[turn], next.border);
#pragma unroll
    for (int i = 0; i < BLOCK_OUTPUTS / WARPS; ++i) {
      bias[i] += next.masks[i] == DEAD ? 0.0f : next.gradients[i];
    }
    __syncthreads();  // the tile is there, and the one before multiplied: its place is the next one's
    tile = layer.after(tile, step);
    if (tile.image < images) next = fetch(layer, tile);  // arrives during the products
    if (present) multiply(sum, factors[turn]);
    turn = 1 - turn;
  } while (tile.image < images);

  const size_t first = (size_t)blockIdx.x * (TAPS * inputs + 1) * channels;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < BLOCK_OUTPUTS / WARPS; ++i) {
    const float total = tileSum<32>(bias[i]);
    const int output = layer.firstOutput + warp + i * WARPS;
    if (group == 0 && lane == 0 && output < channels) {
      partials[first + TAPS * inputs * channels + output] = total;
    }
  }
  __syncthreads();  // the factors may still be being read
  float(*other)[TAPS * 4][32] = reinterpret_cast<float(*)[TAPS * 4][32]>(factors);
#pragma unroll
  for (int i = 0; i < TAPS * 4; ++i) {
    if (part.half == 1) other[warp % (WARPS / 2)][i][lane] = sum[i / 4][i % 4];
  }
  __syncthreads();
  if (part.half == 1) return;
#pragma unroll
  for (int i = 0; i < TAPS * 4; ++i) {
    const int output = layer.firstOutput + part.output + part.row + i % 4 / 2 * 8;
    const int input = layer.firstInput + part.input + part.column * 2 + i % 2;
    if (output < channels && input < inputs) {
      partials[first + (input * TAPS + i / 4) * channels + output] =
          sum[i / 4][i % 4] + other[warp][i][lane];
    }
  }
}
