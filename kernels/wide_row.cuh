// Rows of more classes than a warp holds, in 16-byte vectors: where each vector lies, and how it is
// loaded and stored, in float32 and bfloat16.
//
// A row begins at any address, so its vectors are cut at the 16-byte boundaries of memory: `body`
// whole ones, and the elements before the first and behind the last boundary, the edges, which are
// collected in one or two more. That makes ceil(classes/WIDTH) vectors whatever the address.
#pragma once
#include <cuda_bf16.h>

__device__ __forceinline__ float asFloat(unsigned bits) { return __uint_as_float(bits); }

// Element i of a vector; i is a constant once loops are unrolled.
template <typename T>
__device__ __forceinline__ float elementOf(const uint4& vector, int i);

template <>
__device__ __forceinline__ float elementOf<float>(const uint4& vector, int i) {
  return asFloat(i == 0 ? vector.x : i == 1 ? vector.y : i == 2 ? vector.z : vector.w);
}

template <>
__device__ __forceinline__ float elementOf<__nv_bfloat16>(const uint4& vector, int i) {
  const int word = i / 2;
  const unsigned pair =
      word == 0 ? vector.x : word == 1 ? vector.y : word == 2 ? vector.z : vector.w;
  return asFloat(i % 2 == 0 ? pair << 16 : pair & 0xffff0000u);
}

// The bits of an element in the low half of a word, or in all of it.
__device__ __forceinline__ unsigned bitsOf(float x) { return __float_as_uint(x); }
__device__ __forceinline__ unsigned bitsOf(__nv_bfloat16 x) { return __bfloat16_as_ushort(x); }

__device__ __forceinline__ float valueOf(float x) { return x; }
__device__ __forceinline__ float valueOf(__nv_bfloat16 x) { return asFloat(bitsOf(x) << 16); }

__device__ __forceinline__ void store(float* to, float x) { __stcs(to, x); }
__device__ __forceinline__ void store(__nv_bfloat16* to, float x) { *to = __float2bfloat16_rn(x); }

__device__ __forceinline__ unsigned packed(float low, float high) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

__device__ __forceinline__ void storeVector(float* to, const float (&x)[4]) {
  __stcs(reinterpret_cast<float4*>(to), make_float4(x[0], x[1], x[2], x[3]));
}

__device__ __forceinline__ void storeVector(__nv_bfloat16* to, const float (&x)[8]) {
  __stcs(reinterpret_cast<uint4*>(to), make_uint4(packed(x[0], x[1]), packed(x[2], x[3]),
                                                   packed(x[4], x[5]), packed(x[6], x[7])));
}

template <typename T>
struct WideRow {
  static constexpr int WIDTH = 16 / sizeof(T);
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
      bits[i] = c < 0 ? (sizeof(T) == 4 ? 0xff800000u : 0xff80u) : bitsOf(row[c]);
    }
    if (sizeof(T) == 4) return make_uint4(bits[0], bits[1], bits[2], bits[3]);
    return make_uint4(bits[0] | bits[1] << 16, bits[2] | bits[3] << 16,
                      bits[4 % WIDTH] | bits[5 % WIDTH] << 16,
                      bits[6 % WIDTH] | bits[7 % WIDTH] << 16);
  }

  __device__ __forceinline__ void save(
      T* row, int vector, bool aligned, const float (&x)[WIDTH]) const {
    if (aligned && vector < body) return storeVector(row + head + vector * WIDTH, x);
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const int c = classAt(vector * WIDTH + i);
      if (c >= 0) store(row + c, x[i]);
    }
  }
};
