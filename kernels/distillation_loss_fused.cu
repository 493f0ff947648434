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
//          reduction.cu. 1 <= C <= the number in the symbol; T and 1/T finite.
// Launch : ROW_BLOCK threads, grid ceil(N/rows per block); N >= 1.
//            c16    v2  2 lanes a row, 64 rows a block, staged
//            c32    v4  4 lanes, 32 rows     v5  a warp, 4 rows
//            c128   v4  8 lanes, 16 rows     v3  a warp, 4 rows
//            c256   v4  16 lanes, 8 rows     v3  a warp, 4 rows
//            c1024  v2  a warp, 4 rows
//          staged: the rows of a block pass through shared memory, by 16-byte loads and stores.
//          The narrow tiles have the fewest instructions; a warp a row is sooner done where there are
//          few rows. The loss alone is mapped as the narrow ones.
// Writes : every output once, no atomics; a row's result does not depend on the rows beside it, so
//          runs are bitwise repeatable. dz may be z itself (each element is read and written by one
//          thread); nothing else may overlap.
// Traffic: 12*N*C + 16*N bytes with gradient, 8*N*C + 16*N forward only; 4*N*C less at alpha = 0.
// Special: alpha = 0 reads no teacher (v may be null), distillation = 0. alpha = 1 reads labels for
//          the outcome only, crossEntropy = 0. An unlabelled row has a cross-entropy gradient of
//          exactly 0 whatever its logits. Equal bits in z and v give a distillation of exactly 0.
//          NaN, +inf, or only -inf in a row gives NaN.
// Ladder : v0 the chains of distillation_loss_unfused.cu. README.md has the table.
// Oracle : the float64 loss of the tests' reference. Tolerance: gradient 1e-5 of the row's largest
//          factor, loss 1e-5 relative + 1e-6*(1+max|z-max z|)*(1-alpha) + 1e-12*T^2, for T from
//          1e-3 to 1e6 and logits to +-1e4.
#include "state.cuh"
#include "tile.cuh"

struct DistillationLoss {
  const float* z;  // not __restrict__: dz may be z
  const float* __restrict__ v;
  const int* __restrict__ labels;
  const int* __restrict__ labelledRows;
  float* __restrict__ distillation;
  float* __restrict__ crossEntropy;
  int* __restrict__ outcome;
  float* dz;  // null in the forward-only kernels
  float temperature;
  float alpha;
  int rows;
  int classes;
};

constexpr float LOG2_OF_E = 1.44269504f;

// 2^x by the instruction alone. With x the rounded log2(e)*y, e^y is off by 2.1 ulp and |y|*1e-7 of
// itself, for y <= 0 by less than 3e-7.
__device__ __forceinline__ float powerOf2(float x) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  return power;
}

// x where at >= 0, else y. nvcc would make a branch of a conditional with arithmetic on both sides, an
// element after the other, and warps diverge at it.
__device__ __forceinline__ float choose(float at, float x, float y) {
  float chosen;
  asm("slct.f32.f32 %0, %1, %2, %3;" : "=f"(chosen) : "f"(x), "f"(y), "f"(at));
  return chosen;
}

// shiftedExponentials of tile.cuh in a third of its instructions.
template <int LANES, int PER_LANE>
__device__ __forceinline__ float shiftedPowers(
    int lane, int classes, const float (&x)[PER_LANE], Top top, float inverseT,
    float (&e)[PER_LANE]) {
  const float scale = inverseT * LOG2_OF_E;
  const int topAt = heldAt<LANES>(lane, top.index);
  float sum = top.value - top.value;  // 0, or NaN for an infinite top
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    e[k] = powerOf2((x[k] - top.value) * scale);
    sum += k == topAt ? 0.0f : e[k];
  });
  return tileSum<LANES>(sum);
}

// exp(x) - 1 - x for |x| <= 1, to 2e-7 relative: x^2 times the minimax polynomial of
// (exp(x)-1-x)/x^2. The same polynomial gives expm1(x) = x + this, so the loss and its gradient
// come from one evaluation, and neither cancels where student and teacher nearly agree.
__device__ __forceinline__ float expm1Remainder(float x) {
  float y = 2.49608234e-5f;
  y = fmaf(y, x, 2.03254838e-4f);
  y = fmaf(y, x, 1.38913352e-3f);
  y = fmaf(y, x, 8.33093048e-3f);
  y = fmaf(y, x, 4.16665155e-2f);
  y = fmaf(y, x, 1.66666962e-1f);
  y = fmaf(y, x, 5.00000010e-1f);
  return x * x * y;
}

// Returns T^2*KL(q || p) of the row and turns v into scale*(p - q).
//
// With d_c = log p_c - log q_c the divergence is sum q*(expm1(d) - d), because sum q*expm1(d) =
// sum (p - q) = 0: all terms are positive, and each is small where p and q agree. The textbook form
// sum q*(log q - log p) cancels instead: in float32 it is 1.5 % off at T = 1000 and useless at 1e6.
//
// d = g - h with g_c = ((z_c - v_c) - (max z - max v))/T, z - v first so that near agreement loses
// nothing, and h = log(sum exp((z - max z)/T) / sum exp((v - max v)/T)) = log1p(sum q*expm1(g)).
// Where |g| or |d| exceeds 1 or is NaN, q*expm1 is a difference of two exponentials that are e apart or more.
template <int LANES, int PER_LANE>
__device__ __forceinline__ float distillationTerm(
    int lane, int classes, const float (&z)[PER_LANE], Top zTop, float temperature, float scale,
    float (&v)[PER_LANE]) {
  const float inverseT = 1.0f / temperature;
  const Top vTop = rowTop<LANES>(lane, classes, v);
  float p[PER_LANE], q[PER_LANE];
  const float pSum = shiftedPowers<LANES>(lane, classes, z, zTop, inverseT, p);
  const float qSum = shiftedPowers<LANES>(lane, classes, v, vTop, inverseT, q);
  const float pScale = 1.0f / (1.0f + pSum);
  const float qScale = 1.0f / (1.0f + qSum);

  const float topDifference = zTop.value - vTop.value;
  float (&g)[PER_LANE] = v;
  float ratioMinus1 = 0.0f;
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    q[k] *= qScale;
    g[k] = ((z[k] - v[k]) - topDifference) * inverseT;  // may be infinite or NaN where q is 0
    ratioMinus1 += choose(
        1.0f - fabsf(g[k]), q[k] * (g[k] + expm1Remainder(g[k])), fmaf(p[k], qScale, -q[k]));
  });
  const float tileRatioMinus1 = tileSum<LANES>(ratioMinus1);
  // Near -1, where the student is much the sharper, log1p magnifies the rounding of its argument.
  const float h = tileRatioMinus1 < -0.5f ? log1pf(pSum) - log1pf(qSum) : log1pf(tileRatioMinus1);

  float divergence = 0.0f;
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    const float d = g[k] - h;
    const float near = 1.0f - fabsf(d);
    const float remainder = expm1Remainder(d);
    const float difference = choose(near, q[k] * (d + remainder), fmaf(p[k], pScale, -q[k]));
    const float farTerm = choose(-q[k], difference, fmaf(-q[k], d, difference));  // q = 0: no 0*inf
    divergence += choose(near, q[k] * remainder, farTerm);
    v[k] = scale * difference;
  });
  return temperature * temperature * tileSum<LANES>(divergence);
}

// Returns -log s_label and adds scale*(s - onehot(label)) to the gradient; an unlabelled row gets 0
// and nothing, not 0 times something that may be NaN.
template <int LANES, int PER_LANE>
__device__ __forceinline__ float crossEntropyTerm(
    int lane, int classes, const float (&z)[PER_LANE], Top zTop, int label, float labelLogit,
    float scale, float (&gradient)[PER_LANE]) {
  const bool labelled = isClass(label, classes);
  float s[PER_LANE];
  const float sum = shiftedPowers<LANES>(lane, classes, z, zTop, 1.0f, s);
  const float sScale = 1.0f / (1.0f + sum);
  if (labelled) {
    // s - 1 of a label that has nearly all of it is minus what the others have.
    const float atLabel =
        label == zTop.index
            ? -sum * sScale
            : powerOf2((labelLogit - zTop.value) * LOG2_OF_E) * sScale - 1.0f;
    const int labelAt = heldAt<LANES>(lane, label);
    forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
      const float probability = s[k] * sScale;
      gradient[k] = fmaf(scale, k == labelAt ? atLabel : probability, gradient[k]);
    });
  }
  return labelled ? log1pf(sum) - (labelLogit - zTop.value) : 0.0f;
}

// One row by one tile of lanes. zRow, vRow and dzRow are in global or in shared memory.
template <int LANES, int PER_LANE, bool GRADIENT>
__device__ __forceinline__ void lossOfRow(
    const DistillationLoss& loss, const TileRow& at, const float* zRow, const float* vRow,
    float* dzRow) {
  const int classes = loss.classes;
  const bool readsTeacher = loss.alpha > 0.0f;
  float z[PER_LANE], gradient[PER_LANE];
  float probe = loadRow<LANES>(zRow, at.held, -INFINITY, at.lane, classes, z);
  if (readsTeacher) {
    probe += loadRow<LANES>(vRow, at.held, -INFINITY, at.lane, classes, gradient);
  } else {
    forEachClass<LANES, PER_LANE>(at.lane, classes, [&](int k, int) { gradient[k] = 0.0f; });
  }
  const int label = at.held > 0 ? loss.labels[at.row] : NO_LABEL;
  // Read by the lane that will write the gradient there, which may be in the same place.
  float labelLogit = 0.0f;
  if (isClass(label, classes) && label % LANES == at.lane) labelLogit = zRow[label];
  const Top top = rowTop<LANES>(at.lane, classes, z);

  float distillation = 0.0f;
  if (readsTeacher) {
    const float scale = loss.alpha * loss.temperature / loss.rows;
    distillation = distillationTerm<LANES>(
        at.lane, classes, z, top, loss.temperature, scale, gradient);
  }
  float crossEntropy = 0.0f;
  if (loss.alpha < 1.0f) {
    const float scale = (1.0f - loss.alpha) / *loss.labelledRows;
    labelLogit = __shfl_sync(FULL_WARP, labelLogit, label & (LANES - 1), LANES);
    crossEntropy =
        crossEntropyTerm<LANES>(at.lane, classes, z, top, label, labelLogit, scale, gradient);
  }

  if (GRADIENT) storeRow<LANES>(dzRow, at.held, at.lane, classes, gradient);
  const bool notFinite = tileAny<LANES>(probe != 0.0f);
  if (at.lane == 0 && at.held > 0) {
    loss.distillation[at.row] = distillation;
    loss.crossEntropy[at.row] = crossEntropy;
    loss.outcome[at.row] = rowOutcome(label, classes, top.index, notFinite);
  }
}

// Rows straight from global memory into registers.
template <int LANES, int PER_LANE, bool GRADIENT>
__device__ __forceinline__ void lossOfBatch(const DistillationLoss& loss) {
  const TileRow at = tileRow<LANES>(loss.rows, loss.classes);
  lossOfRow<LANES, PER_LANE, GRADIENT>(
      loss, at, loss.z + at.start, loss.v + at.start, loss.dz + at.start);
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
__device__ __forceinline__ void lossOfStagedBatch(const DistillationLoss& loss) {
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
      loss, at, zTile + offset, vTile + offset, zTile + offset);
  if (!GRADIENT) return;
  __syncthreads();
  copyTile(loss.dz + start, zTile, loss.dz + start, count);
}

#define LOSS_INPUTS                                                                          \
  const float *z, const float *__restrict__ v, const int *__restrict__ labels,               \
      const int *__restrict__ labelledRows, float *__restrict__ distillation,                \
      float *__restrict__ crossEntropy, int *__restrict__ outcome
#define LOSS_KERNEL(SYMBOL, BATCH, LANES, PER_LANE)                                          \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK) distillation_loss_##SYMBOL(        \
      LOSS_INPUTS, float* dz, float temperature, float alpha, int rows, int classes) {       \
    BATCH<LANES, PER_LANE, true>({z, v, labels, labelledRows, distillation, crossEntropy,    \
                                  outcome, dz, temperature, alpha, rows, classes});          \
  }
#define LOSS_FORWARD_KERNEL(SYMBOL, BATCH, LANES, PER_LANE)                                  \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK) distillation_loss_forward_##SYMBOL( \
      LOSS_INPUTS, float temperature, float alpha, int rows, int classes) {                  \
    BATCH<LANES, PER_LANE, false>({z, v, labels, labelledRows, distillation, crossEntropy,   \
                                   outcome, nullptr, temperature, alpha, rows, classes});    \
  }

LOSS_KERNEL(c16_fused_f32_v2, lossOfStagedBatch, 2, 8)
LOSS_KERNEL(c32_fused_f32_v4, lossOfBatch, 4, 8)
LOSS_KERNEL(c32_fused_f32_v5, lossOfBatch, 32, 1)
LOSS_KERNEL(c128_fused_f32_v3, lossOfBatch, 32, 4)
LOSS_KERNEL(c128_fused_f32_v4, lossOfBatch, 8, 16)
LOSS_KERNEL(c256_fused_f32_v3, lossOfBatch, 32, 8)
LOSS_KERNEL(c256_fused_f32_v4, lossOfBatch, 16, 16)
LOSS_KERNEL(c1024_fused_f32_v2, lossOfBatch, 32, 32)

LOSS_FORWARD_KERNEL(c16_fused_f32_v2, lossOfStagedBatch, 2, 8)
LOSS_FORWARD_KERNEL(c32_fused_f32_v2, lossOfBatch, 4, 8)
LOSS_FORWARD_KERNEL(c128_fused_f32_v2, lossOfBatch, 8, 16)
LOSS_FORWARD_KERNEL(c256_fused_f32_v2, lossOfBatch, 16, 16)
LOSS_FORWARD_KERNEL(c1024_fused_f32_v2, lossOfBatch, 32, 32)
