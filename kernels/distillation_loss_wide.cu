// The distillation loss and its gradient of distillation_loss_fused.cu, in one launch, for the
// vocabularies of language models, float32 and bfloat16.
// Shapes : as there; z, v and dz float32 or bfloat16, all else float32 or int32.
// Launch : _cN: THREADS threads, 16 elements each; a row by a block, or from c32768 on by a cluster
//          of blocks (compute_90), grid N*blocks; THREADS*64 bytes of dynamic shared memory.
//            c2048 128   c4096 256   c8192 512   c16384 1024
//            c32768 4 x 512   c65536 8 x 512   c131072 16 x 512   c262144 16 x 1024
//          _streamed, _two_pass: any number of classes, 512 threads a row, grid N.
// Writes : as there. dz may be z itself. z, v and dz begin at any element; where their addresses
//          differ modulo 16 bytes, those unlike z go element by element.
// Traffic: (2 + 1)*N*C elements + 16*N bytes; the streamed kernel reads z and v a second time,
//          backwards, so that the end of each row may still be in L2: 5/3 of that traffic at worst.
//          _two_pass reads forward twice and asks nothing of the caches: 5/3 of it whenever the rows
//          of all blocks are more than L2 holds. It is there for comparison: what a kernel costs
//          that holds no row.
// Numbers: in float32 whatever the type. With tz = (z - max z)*log2(e)/T and tv likewise,
//            KL = ln2*sum et*(tv - tz)/sum et + ln(1 + sum (eT - et)/sum et),   eT = 2^tz, et = 2^tv
//          one exponential for each of eT and et. e1 = 2^((z - max z)*log2(e)) is a third in float32;
//          in bfloat16, and where rows are read twice, a polynomial makes it, so that a row takes 2
//          (3, read twice 4) exponentials an element.
//          The label's own term is left out of sum e1: s_y - 1 is minus the others, to the last
//          digit, and its slot among the e1 then holds minus their sum, so that no element asks
//          whether it is the label.
// Special: as there. Vectors with a logit that is not finite or absent take the careful branch; where a finite
//          logit, such as a masked one, is too far below the largest for its exponent, the sum is taken again.
// Ladder : v1. README.md has the table.
// Oracle : float64 in the tests' reference. Tolerance: gradient 1e-6*(1 + |tz| + |tv|)*(p + q) of its
//          element, beside half a unit in the last place of bfloat16; loss by temperature, README.md.
#include "wide_loss_held.cuh"
#include "wide_loss_streamed.cuh"

// 64 registers a thread: 16 elements by 1024 threads an SM.
#define HELD_KERNEL(SYMBOL, T, THREADS)                              \
  LOSS_KERNEL(SYMBOL, T, __launch_bounds__(THREADS, 1024 / THREADS), \
              (lossOfHeldRow<T, THREADS, 1>))
#define CLUSTER_KERNEL(SYMBOL, T, THREADS, BLOCKS)                                            \
  LOSS_KERNEL(SYMBOL, T, __cluster_dims__(BLOCKS) __launch_bounds__(THREADS, 1024 / THREADS), \
              (lossOfHeldRow<T, THREADS, BLOCKS>))

#define STREAMED_KERNEL(SYMBOL, T, THREADS)                                                    \
  LOSS_KERNEL(SYMBOL, T, __launch_bounds__(THREADS, 2), (lossOfStreamedRow<T, THREADS, true>))
#define TWO_PASS_KERNEL(SYMBOL, T, THREADS)                                                    \
  LOSS_KERNEL(SYMBOL, T, __launch_bounds__(THREADS, 2), (lossOfStreamedRow<T, THREADS, false>))

// float32 is built once, for compute_75; bfloat16 needs compute_80, clusters compute_90.
#if __CUDA_ARCH__ < 800
HELD_KERNEL(c2048_fused_f32_v1, float, 128)
HELD_KERNEL(c4096_fused_f32_v1, float, 256)
HELD_KERNEL(c8192_fused_f32_v1, float, 512)
HELD_KERNEL(c16384_fused_f32_v1, float, 1024)
STREAMED_KERNEL(streamed_fused_f32_v1, float, 512)
TWO_PASS_KERNEL(two_pass_fused_f32_v1, float, 512)
#elif __CUDA_ARCH__ < 900
HELD_KERNEL(c2048_fused_bf16_v1, __nv_bfloat16, 128)
HELD_KERNEL(c4096_fused_bf16_v1, __nv_bfloat16, 256)
HELD_KERNEL(c8192_fused_bf16_v1, __nv_bfloat16, 512)
HELD_KERNEL(c16384_fused_bf16_v1, __nv_bfloat16, 1024)
STREAMED_KERNEL(streamed_fused_bf16_v1, __nv_bfloat16, 512)
TWO_PASS_KERNEL(two_pass_fused_bf16_v1, __nv_bfloat16, 512)
#else
CLUSTER_KERNEL(c32768_fused_f32_v1, float, 512, 4)
CLUSTER_KERNEL(c65536_fused_f32_v1, float, 512, 8)
CLUSTER_KERNEL(c131072_fused_f32_v1, float, 512, 16)
CLUSTER_KERNEL(c262144_fused_f32_v1, float, 1024, 16)
CLUSTER_KERNEL(c32768_fused_bf16_v1, __nv_bfloat16, 512, 4)
CLUSTER_KERNEL(c65536_fused_bf16_v1, __nv_bfloat16, 512, 8)
CLUSTER_KERNEL(c131072_fused_bf16_v1, __nv_bfloat16, 512, 16)
CLUSTER_KERNEL(c262144_fused_bf16_v1, __nv_bfloat16, 1024, 16)
#endif
