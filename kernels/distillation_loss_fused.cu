// The distillation loss of Hinton et al. (arXiv:1503.02531, section 2) and its gradient, in one
// launch from raw logits and labels.
//   p = softmax(z/T) student    q = softmax(v/T) teacher, a constant    s = softmax(z)
//   distillation[n] = T^2 * sum_c q_c*(log q_c - log p_c)
//   crossEntropy[n] = -log s_y, or 0 for a row without a label
//   L = alpha * mean over N of distillation + (1-alpha) * mean over labelled rows of crossEntropy
//   dz[n,c] = alpha*T*(p_c - q_c)/N + (1-alpha)*(s_c - [c == y])/labelledRows
//   outcome[n] = bits of state.cuh: labelled, correct, not finite, bad label
// Shapes : z, v, dz [N, C] row-major, leading dimension C; labels, outcome int32 [N];
//          distillation, crossEntropy [N]; labelledRows one int32, written by gather.cu or
//          reduction.cu. 1 <= C <= the number in the symbol; T from 1e-18 to 1e18, whose
//          square float32 has.
// Launch : 128 threads where a block is not said to have others, grid ceil(N/rows per block); N >= 1.
//            c16    v3  2 lanes a row, 64 rows a block, staged
//            c32    v6  4 lanes, 32 rows     v7  a warp, 4 rows
//            c128   v6  8 lanes, 16 rows     v5  a warp, 4 rows
//            c256   v6  16 lanes, 8 rows     v5  a warp, 4 rows
//            c1024  v4  a warp, 4 rows       v3  a row a block of 128 threads
//                                            v5  a row a block of 64 threads
//          staged: the rows of a block pass through shared memory, by 16-byte loads and stores.
//          The narrow tiles have the fewest instructions; a warp a row, or four, is sooner done where
//          there are few rows. The loss alone is mapped as the narrow ones.
// Writes : every output once, no atomics; a row's result does not depend on the rows beside it, so
//          runs are bitwise repeatable. dz may be z itself (each element is read and written by one
//          thread); nothing else may overlap. Beside a row that is not finite, what underflows may differ.
// Traffic: 12*N*C + 16*N bytes with gradient, 8*N*C + 16*N forward only; 4*N*C less at alpha = 0.
// Special: alpha = 0 reads no teacher (v may be null), distillation = 0. alpha = 1 reads labels for
//          the outcome only, crossEntropy = 0. An unlabelled row has a cross-entropy gradient of
//          exactly 0 whatever its logits. Equal bits in z and v give a distillation of exactly 0.
//          NaN, +inf, or only -inf in a row gives NaN. At least one logit of a row must be above
//          -FLT_MAX, which stands for classes that a row does not have.
// Ladder : v0 the chains of distillation_loss_unfused.cu. README.md has the table, also of rungs that were
//          slower and are no longer here.
// Oracle : the float64 loss of the tests' reference. Tolerance: gradient 1e-5 of the row's largest
//          factor, loss 1e-5 relative + 1e-6*(1+max|z-max z|)*(1-alpha) + 1e-12*T^2, for T from
//          1e-3 to 1e6 and logits to +-1e4; and what the rounding of z - v costs, that of each class by
//          itself, which is more where z and v agree but for a large constant.
#include "row_loss.cuh"

// Rows straight from global memory into registers.
template <int LANES, int PER_LANE, bool GRADIENT>
__device__ __forceinline__ void lossOfBatch(const DistillationLoss<float>& loss) {
  const TileRow at = tileRow<LANES>(loss.rows, loss.classes);
  lossOfRow<LANES, PER_LANE, GRADIENT>(
      loss, TileGroup<LANES>(), at, loss.z + at.start, loss.v + at.start, loss.dz + at.start);
}

// The same, a row a block.
template <int THREADS, int PER_LANE, bool GRADIENT>
__device__ __forceinline__ void lossOfBlock(const DistillationLoss<float>& loss) {
  __shared__ typename BlockGroup<THREADS>::Shared shared;
  const TileRow at = {static_cast<int>(blockIdx.x), static_cast<int>(threadIdx.x), loss.classes,
                      (size_t)blockIdx.x * loss.classes};
  lossOfRow<THREADS, PER_LANE, GRADIENT>(
      loss, BlockGroup<THREADS>{shared}, at, loss.z + at.start, loss.v + at.start,
      loss.dz + at.start);
}

// Copies between a tile in shared memory and its rows in global memory, by 16 bytes a thread where
// those are aligned. A row of 10 floats starts on 8 bytes, but the rows of a block start on 16.
__device__ __forceinline__ void copyTile(
    float* to, const float* from, const float* global, int count) {
  int copied = 0;
  if (reinterpret_cast<size_t>(global) % sizeof(float4) == 0) {
    for (int i = threadIdx.x; i < count / 4; i += ROW_BLOCK) {
      reinterpret_cast<float4*>(to)[i] = reinterpret_cast<const float4*>(from)[i];
    }
    copied = count / 4 * 4;
  }
  for (int i = copied + threadIdx.x; i < count; i += ROW_BLOCK) to[i] = from[i];
}

// The rows of a block through shared memory. The gradient overwrites the tile of z, each element by
// the thread that read it.
template <int LANES, int PER_LANE, bool GRADIENT>
__device__ __forceinline__ void lossOfStagedBatch(const DistillationLoss<float>& loss) {
  constexpr int TILE_ROWS = ROW_BLOCK / LANES;
  constexpr int MAX_CLASSES = LANES * PER_LANE;
  __shared__ __align__(16) float zTile[TILE_ROWS * MAX_CLASSES];
  __shared__ __align__(16) float vTile[TILE_ROWS * MAX_CLASSES];
  const int firstRow = blockIdx.x * TILE_ROWS;
  const int count = min(TILE_ROWS, loss.rows - firstRow) * loss.classes;
  const size_t start = (size_t)firstRow * loss.classes;

  copyTile(zTile, loss.z + start, loss.z + start, count);
  if (loss.alpha > 0.0f) copyTile(vTile, loss.v + start, loss.v + start, count);
  __syncthreads();
  const TileRow at = tileRow<LANES>(loss.rows, loss.classes);
  const int offset = (at.row - firstRow) * loss.classes;
  lossOfRow<LANES, PER_LANE, GRADIENT>(
      loss, TileGroup<LANES>(), at, zTile + offset, vTile + offset, zTile + offset);
  if (!GRADIENT) return;
  __syncthreads();
  copyTile(loss.dz + start, zTile, loss.dz + start, count);
}

#define TILE_KERNEL(SYMBOL, BATCH, LANES, PER_LANE) \
  LOSS_KERNEL(SYMBOL, float, __launch_bounds__(ROW_BLOCK), (BATCH<LANES, PER_LANE, true>))
#define BLOCK_KERNEL(SYMBOL, THREADS, PER_LANE) \
  LOSS_KERNEL(SYMBOL, float, __launch_bounds__(THREADS), (lossOfBlock<THREADS, PER_LANE, true>))
#define FORWARD_KERNEL(SYMBOL, THREADS, BATCH)                                              \
  extern "C" __global__ void __launch_bounds__(THREADS) distillation_loss_forward_##SYMBOL( \
      LOSS_INPUTS(float), float temperature, float alpha, int rows, int classes) {          \
    BATCH({z, v, labels, labelledRows, distillation, crossEntropy, outcome, nullptr,        \
           temperature, alpha, rows, classes});                                             \
  }
#define TILE_FORWARD_KERNEL(SYMBOL, BATCH, LANES, PER_LANE) \
  FORWARD_KERNEL(SYMBOL, ROW_BLOCK, (BATCH<LANES, PER_LANE, false>))

TILE_KERNEL(c16_fused_f32_v3, lossOfStagedBatch, 2, 8)
TILE_KERNEL(c32_fused_f32_v6, lossOfBatch, 4, 8)
TILE_KERNEL(c32_fused_f32_v7, lossOfBatch, 32, 1)
TILE_KERNEL(c128_fused_f32_v5, lossOfBatch, 32, 4)
TILE_KERNEL(c128_fused_f32_v6, lossOfBatch, 8, 16)
TILE_KERNEL(c256_fused_f32_v5, lossOfBatch, 32, 8)
TILE_KERNEL(c256_fused_f32_v6, lossOfBatch, 16, 16)
BLOCK_KERNEL(c1024_fused_f32_v3, 128, 8)
TILE_KERNEL(c1024_fused_f32_v4, lossOfBatch, 32, 32)
BLOCK_KERNEL(c1024_fused_f32_v5, 64, 16)

TILE_FORWARD_KERNEL(c16_fused_f32_v3, lossOfStagedBatch, 2, 8)
TILE_FORWARD_KERNEL(c32_fused_f32_v3, lossOfBatch, 4, 8)
TILE_FORWARD_KERNEL(c128_fused_f32_v3, lossOfBatch, 8, 16)
TILE_FORWARD_KERNEL(c256_fused_f32_v3, lossOfBatch, 16, 16)
TILE_FORWARD_KERNEL(c1024_fused_f32_v3, lossOfBatch, 32, 32)
