// The distillation loss of a row by two polynomials an element and seven reductions: the rungs that
// row_loss.cuh is compared with, until all of its own have been measured.
#pragma once
#include "row_loss.cuh"

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
  const float scale = inverseT * LOG2_E;
  const int topAt = heldAt<LANES>(lane, top.index);
  float sum = top.value - top.value;  // 0, or NaN for an infinite top
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    e[k] = exp2Approximate((x[k] - top.value) * scale);
    sum += k == topAt ? 0.0f : e[k];
  });
  return tileSum<LANES>(sum);
}

// exp(x) - 1 - x for |x| <= 1, to 2e-7 relative: x^2 times the minimax polynomial of
// (exp(x)-1-x)/x^2. The same polynomial gives expm1(x) = x + this, so the loss and its gradient
// come from one evaluation, and neither cancels where student and teacher nearly agree.
__device__ __forceinline__ float expm1RemainderTo1(float x) {
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
        1.0f - fabsf(g[k]), q[k] * (g[k] + expm1RemainderTo1(g[k])), fmaf(p[k], qScale, -q[k]));
  });
  const float tileRatioMinus1 = tileSum<LANES>(ratioMinus1);
  // Near -1, where the student is much the sharper, log1p magnifies the rounding of its argument.
  const float h = tileRatioMinus1 < -0.5f ? log1pf(pSum) - log1pf(qSum) : log1pf(tileRatioMinus1);

  float divergence = 0.0f;
  forEachClass<LANES, PER_LANE>(lane, classes, [&](int k, int) {
    const float d = g[k] - h;
    const float near = 1.0f - fabsf(d);
    const float remainder = expm1RemainderTo1(d);
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
            : exp2Approximate((labelLogit - zTop.value) * LOG2_E) * sScale - 1.0f;
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
__device__ __forceinline__ void lossOfRowByTwoPolynomials(
    const DistillationLoss<float>& loss, const TileRow& at, const float* zRow, const float* vRow,
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

