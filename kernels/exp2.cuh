// Powers of 2, of which the losses make their exponentials: exp(x) = 2^(x*log2(e)).
#pragma once

constexpr float LOG2_E = 1.44269504f;
constexpr float LN_2 = 0.693147181f;

// 2^x by the special function unit alone. With x the rounded log2(e)*y, e^y is off by 2.1 ulp and |y|*1e-7 of
// itself, for y <= 0 by less than 3e-7.
__device__ __forceinline__ float exp2Approximate(float x) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  return power;
}

// 2^x for x <= 0, as 2^n * 2^f with f from -1/2 to 1/2, to 2e-7 relative; at least 2^-126.
__device__ __forceinline__ float exp2Polynomial(float x) {
  constexpr float ROUND = 12582912.0f;  // 1.5 * 2^23: adding it leaves n in the low bits
  const float clamped = fmaxf(x, -126.0f);
  const float shifted = clamped + ROUND;
  const float f = clamped - (shifted - ROUND);
  float y = 1.32647273e-3f;
  y = fmaf(y, f, 9.67151299e-3f);
  y = fmaf(y, f, 5.55073358e-2f);
  y = fmaf(y, f, 2.40222424e-1f);
  y = fmaf(y, f, 6.93147004e-1f);
  y = fmaf(y, f, 1.0f);
  return __int_as_float(__float_as_int(y) + (__float_as_int(shifted) << 23));
}

// The same for any x <= 0, and 0 where it is smaller. For what a thread needs once, so that the
// special function units are left to the elements.
__device__ __forceinline__ float exp2OfScalar(float x) {
  return x < -126.0f ? 0.0f : exp2Polynomial(x);
}
