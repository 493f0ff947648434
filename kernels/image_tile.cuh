// A tile of the pixels of one image, or of its max-pool windows: what a block of a convolution has at a time.
#pragma once

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
