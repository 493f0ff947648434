// A tile of max-pool windows of one image, and the pixels below it in shared memory: what the
// kernels of a 3x3 convolution with padding 1 and a 2x2 max-pool share. x is NCHW.
#pragma once
#include "image_tile.cuh"
#include "pooling.cuh"

constexpr int INPUTS = 3;          // input channels at a time
constexpr int TAPS = INPUTS * 9;   // filter elements of an output, of these inputs
constexpr int TILE_SIDE = 8;       // a tile is 8 x 8 windows: 16 x 16 pixels, with a border of 1
constexpr int TILE_WINDOWS = TILE_SIDE * TILE_SIDE;
constexpr int PATCH_ROWS = 2 * TILE_SIDE + 2;
constexpr int PATCH_STRIDE = 24;   // 18 are used; two rows of windows fall into different banks
constexpr int THREADS = 256;
constexpr int OUTPUTS = 32;        // output channels a block
constexpr int SUMS = TAPS + 1;     // the taps and the bias

// The tile's pixels of three channels from firstInput on, and their border; zero outside of the image.
__device__ __forceinline__ void loadPatch(
    float (&patch)[INPUTS][PATCH_ROWS][PATCH_STRIDE], const float* __restrict__ x, Tile tile,
    int firstInput, int inputs, int height, int width) {
  for (int i = threadIdx.x; i < INPUTS * PATCH_ROWS * PATCH_STRIDE; i += THREADS) {
    const int column = i % PATCH_STRIDE;
    const int row = i / PATCH_STRIDE % PATCH_ROWS;
    const int input = i / (PATCH_STRIDE * PATCH_ROWS);
    const int channel = firstInput + input;
    const int imageRow = 2 * tile.row + row - 1;
    const int imageColumn = 2 * tile.column + column - 1;
    const bool inside = channel < inputs && imageRow >= 0 && imageRow < height &&
                        imageColumn >= 0 && imageColumn < width;
    patch[input][row][column] =
        inside ? x[(((size_t)tile.image * inputs + channel) * height + imageRow) * width + imageColumn]
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
