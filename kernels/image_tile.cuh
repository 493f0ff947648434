// What the 3x3 convolutions share: a tile of the pixels of one image, or of its max-pool windows, which a block
// has at a time.
#pragma once

constexpr int TAPS = 9;  // elements of a filter that an input channel has

struct Tile {
  int image;
  int row;     // of the first pixel or window
  int column;
};

// The tile of an index that counts images, then rows of tiles, then tiles from the left.
template <int ROWS, int COLUMNS>
__device__ __forceinline__ Tile tileAt(int index, int height, int width) {
  const int across = (width + COLUMNS - 1) / COLUMNS;
  const int down = (height + ROWS - 1) / ROWS;
  return {index / (across * down), index / across % down * ROWS, index % across * COLUMNS};
}
