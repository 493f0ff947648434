// Elements in float32 and bfloat16: their values, and vectors of them in 16 bytes. All arithmetic is float32.
#pragma once
#include <cuda_bf16.h>

__device__ __forceinline__ float asFloat(unsigned bits) { return __uint_as_float(bits); }

// The bits of an element in the low half of a word, or in all of it.
__device__ __forceinline__ unsigned bitsOf(float x) { return __float_as_uint(x); }
__device__ __forceinline__ unsigned bitsOf(__nv_bfloat16 x) { return __bfloat16_as_ushort(x); }

__device__ __forceinline__ float valueOf(float x) { return x; }
__device__ __forceinline__ float valueOf(__nv_bfloat16 x) { return __bfloat162float(x); }

__device__ __forceinline__ void store(float* to, float x) { *to = x; }
__device__ __forceinline__ void store(__nv_bfloat16* to, float x) { *to = __float2bfloat16_rn(x); }

// Two bfloat16 in a word, the first in its low half.
__device__ __forceinline__ unsigned packed(float low, float high) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

__device__ __forceinline__ float lowOf(unsigned pair) { return asFloat(pair << 16); }
__device__ __forceinline__ float highOf(unsigned pair) { return asFloat(pair & 0xffff0000u); }

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
  return i % 2 == 0 ? lowOf(pair) : highOf(pair);
}

// Four float32 or eight bfloat16, as they are stored.
__device__ __forceinline__ float4 vectorOf(const float (&x)[4]) {
  return make_float4(x[0], x[1], x[2], x[3]);
}
__device__ __forceinline__ uint4 vectorOf(const float (&x)[8]) {
  return make_uint4(packed(x[0], x[1]), packed(x[2], x[3]), packed(x[4], x[5]), packed(x[6], x[7]));
}
