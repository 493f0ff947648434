// Rows of more classes than a warp holds, in 16-byte vectors: where each vector lies, and how it is
// loaded and stored, in float32 and bfloat16.
//
// A row begins at any address, so its vectors are cut at the 16-byte boundaries of memory: `body`
// whole ones, and the elements before the first and behind the last boundary, the edges, which are
// collected in one or two more. That makes ceil(classes/WIDTH) vectors whatever the address.
#pragma once
#include "element_type.cuh"

// Stores what no thread of the kernel reads again, so that caches may drop it first.
__device__ __forceinline__ void storeLast(float* to, float x) { __stcs(to, x); }
__device__ __forceinline__ void storeLast(__nv_bfloat16* to, float x) { store(to, x); }
__device__ __forceinline__ void storeLast(float* to, const float (&x)[4]) {
  __stcs(reinterpret_cast<float4*>(to), vectorOf(x));
}
__device__ __forceinline__ void storeLast(__nv_bfloat16* to, const float (&x)[8]) {
  __stcs(reinterpret_cast<uint4*>(to), vectorOf(x));
}

template <typename T>
struct WideRow {
  static constexpr int WIDTH = 16 / sizeof(T);
  static constexpr unsigned ABSENT = sizeof(T) == 4 ? 0xff800000u : 0xff80ff80u;  // a word of -inf
  int classes;
  int head;   // elements before the first boundary
  int body;   // whole vectors

  __device__ WideRow(const T* row, int classes) : classes(classes) {
    const int behindBoundary = reinterpret_cast<size_t>(row) % 16 / sizeof(T);
    head = min((WIDTH - behindBoundary) % WIDTH, classes);
    body = (classes - head) / WIDTH;
  }

  // Elements before the first and behind the last boundary.
  __device__ int edges() const { return classes - body * WIDTH; }

  __device__ int vectors() const { return body + (edges() + WIDTH - 1) / WIDTH; }

  // The class at a place, which is vector*WIDTH + element; -1 if none is there.
  __device__ int classAt(int place) const {
    if (place < body * WIDTH) return head + place;
    const int edge = place - body * WIDTH;
    return edge < head ? edge : edge < edges() ? body * WIDTH + edge : -1;
  }

  // The place of a class.
  __device__ int placeOf(int c) const {
    if (head <= c && c < head + body * WIDTH) return c - head;
    return c < head ? body * WIDTH + c : c;
  }

  // Whether another matrix has its boundaries where this one has them.
  __device__ bool isAlignedWith(const T* row) const {
    return reinterpret_cast<size_t>(row + head) % 16 == 0;
  }

  // Vector `vector` of a row, -inf where no class is. LAST says that nobody will want it again, so
  // that caches may drop it before what is to be read a second time.
  template <bool LAST>
  __device__ __forceinline__ uint4 load(const T* row, int vector, bool aligned) const {
    if (aligned && vector < body) {
      const uint4* place = reinterpret_cast<const uint4*>(row + head) + vector;
      return LAST ? __ldcs(place) : *place;
    }
    unsigned bits[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const int c = classAt(vector * WIDTH + i);
      bits[i] = c < 0 ? (sizeof(T) == 4 ? ABSENT : ABSENT >> 16) : bitsOf(row[c]);
    }
    if (sizeof(T) == 4) return make_uint4(bits[0], bits[1], bits[2], bits[3]);
    return make_uint4(bits[0] | bits[1] << 16, bits[2] | bits[3] << 16,
                      bits[4 % WIDTH] | bits[5 % WIDTH] << 16,
                      bits[6 % WIDTH] | bits[7 % WIDTH] << 16);
  }

  __device__ __forceinline__ void save(
      T* row, int vector, bool aligned, const float (&x)[WIDTH]) const {
    if (aligned && vector < body) return storeLast(row + head + vector * WIDTH, x);
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const int c = classAt(vector * WIDTH + i);
      if (c >= 0) storeLast(row + c, x[i]);
    }
  }
};
