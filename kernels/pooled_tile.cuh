// A tile of max-pool windows of one image, and the pixels below it in shared memory: what the
// kernels of a 3x3 convolution with padding 1 and a 2x2 max-pool share. Arrays are NCHW.
#pragma once
#include "image_tile.cuh"
#include "pooling.cuh"

constexpr int BLOCK_INPUTS = 3;    // input channels of a block
constexpr int BLOCK_OUTPUTS = 32;  // output channels of a block
constexpr int FILTER_ELEMENTS = BLOCK_INPUTS * TAPS;  // of an output, for these inputs
constexpr int SUMS = FILTER_ELEMENTS + 1;             // with the bias
constexpr int TILE_SIDE = 8;       // a tile is 8 x 8 windows: 16 x 16 pixels, with a border of 1
constexpr int TILE_WINDOWS = TILE_SIDE * TILE_SIDE;
constexpr int PATCH_ROWS = 2 * TILE_SIDE + 2;
constexpr int PATCH_STRIDE = 24;   // 18 are used; two rows of windows fall into different banks
constexpr int THREADS = 256;

// The tile's pixels of three channels from firstInput on, and their border; zero outside of the image.
__device__ __forceinline__ void loadPatch(
    float (&patch)[BLOCK_INPUTS][PATCH_ROWS][PATCH_STRIDE], const float* __restrict__ x, Tile tile,
    int firstInput, int inputs, int height, int width) {
  for (int i = threadIdx.x; i < BLOCK_INPUTS * PATCH_ROWS * PATCH_STRIDE; i += THREADS) {
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
__device__ __forceinline__ size_t pooledAt(
    Tile tile, int row, int column, int channel, int channels, int pooledHeight, int pooledWidth) {
  return (((size_t)tile.image * channels + channel) * pooledHeight + row) * pooledWidth + column;
}
