// Products on tensor cores: TF32 factors, float32 sums, matrices spread over the lanes of a warp.
#pragma once

// TF32: float32 with 10 bits of fraction, the other 13 zero. To nearest, ties away from zero; NaN stays NaN.
__device__ __forceinline__ unsigned toTf32(float x) {
  unsigned rounded;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));
  return rounded;
}

// d += A B, A [16, 8] and B [8, 8] of TF32. With g = lane / 4 and t = lane % 4 a lane holds
//   a: A[g][t], A[g+8][t], A[g][t+4], A[g+8][t+4]      b: B[t][g], B[t+4][g]
//   d: D[g][2t], D[g][2t+1], D[g+8][2t], D[g+8][2t+1]
// All lanes of the warp take part. Products are exact; in which order, and to how many bits, a GPU adds them
// within one instruction is not documented, so that results agree between GPUs to a bound only. On one GPU
// they repeat to the bit.
__device__ __forceinline__ void multiplyAdd(
    float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
