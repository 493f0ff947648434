// The distillation loss of a row that its threads hold in registers, by one polynomial an element.
// distillation_loss_fused.cu has the terms, this the numbers.
//
// With p = softmax(z/T), q = softmax(v/T) and d_c = log p_c - log q_c the divergence is
//   KL(q || p) = sum q*(expm1(d) - d)
// because sum q*expm1(d) = sum (p - q) = 0: all terms are positive, and each is small where p and q agree.
// The textbook form sum q*(log q - log p) cancels instead: in float32 it is 1.5 % off at T = 1000.
//
// d = g - h with g_c = ((z_c - v_c) - (max z - max v))/T, z - v first so that near agreement loses
// nothing, and h = log(P/Q), P and Q being the sums of exp((z - max z)/T) and exp((v - max v)/T). h need
// not be exact. With d' = g - h', p' = q*exp(d') and S = sum q*expm1(d'), which tells by how much h' is off,
//   KL    = sum q*(expm1(d') - d') - (S - log1p(S))       S - log1p(S) = S^2/2 - S^3/3 for a small S: where
//           all differences are nearly one, S^2/2 is most of the sum, and S^3/3 counts beside what is left
//   p - q = q*expm1(d') - p'*S/(1 + S)
// h' is the log of the quotient of the rounded sums, off by a few 1e-7; or 0 where that is less than CLOSE,
// since T is then so large, or z and v so close, that what the sums were rounded by may be no less than g.
//
// Where |d'| > NEAR, q*expm1(d') is the difference of two exponentials that are far enough apart. An element
// takes three exponentials, by ex2.approx, and one polynomial, and a row three reductions.
#pragma once
#include <cfloat>

#include "distillation_loss.cuh"
#include "exp2.cuh"
#include "row_group.cuh"
#include "tile.cuh"

constexpr float NEAR = 0.625f;
constexpr float CLOSE = 1e-5f;

// (exp(x) - 1 - x)/x^2 for |x| <= NEAR, to 2e-7 relative: the minimax polynomial.
__device__ __forceinline__ float expm1Remainder(float x) {
  float y = 1.98948648e-4f;
  y = fmaf(y, x, 1.40344608e-3f);
  y = fmaf(y, x, 8.33362434e-3f);
  y = fmaf(y, x, 4.16645408e-2f);
  y = fmaf(y, x, 1.66666627e-1f);
  return fmaf(y, x, 5.00000060e-1f);
}

// The threads of a row, if they are a tile of lanes of one warp. Every thread gets the same bits.
template <int LANES>
struct TileGroup {
  __device__ void tellLabelLogit(bool, float) {}
  __device__ float labelLogit(float ofOwner, int label) {
    return __shfl_sync(FULL_WARP, ofOwner, label & (LANES - 1), LANES);
  }
  __device__ void largest(float (&x)[2]) { butterfly<LANES>(x, Largest()); }
  __device__ bool sum(float (&x)[3], bool flag) {
    butterfly<LANES>(x, Sum());
    return tileAny<LANES>(flag);
  }
  __device__ bool sum(float (&x)[2], bool flag) {
    butterfly<LANES>(x, Sum());
    return tileAny<LANES>(flag);
  }
};

// The same, if they are a block of some warps.
template <int THREADS>
struct BlockGroup {
  using Group = RowGroup<THREADS, 1>;
  struct Shared {
    typename Group::template Parts<2> maxima;
    typename Group::template Parts<3> sums;
    typename Group::template Parts<2> terms;
    float labelLogit;
  };
  Shared& shared;

  __device__ void tellLabelLogit(bool owns, float x) {
    if (owns) shared.labelLogit = x;
  }
  __device__ float labelLogit(float, int) { return shared.labelLogit; }
  __device__ void largest(float (&x)[2]) { Group::reduce(x, false, Largest(), shared.maxima); }
  __device__ bool sum(float (&x)[3], bool flag) {
    return Group::reduce(x, flag, Sum(), shared.sums);
  }
  __device__ bool sum(float (&x)[2], bool flag) {
    return Group::reduce(x, flag, Sum(), shared.terms);
  }
};

// Calls body(k, c, isHeld) for the classes of this lane, in groups, of which only the last tests each of its
// classes. By recursion: of a loop that ends there the compiler makes one last group, for whatever k.
template <int LANES, int PER_LANE, int FIRST = 0, typename Body>
__device__ __forceinline__ void forEachOfRow(int lane, int classes, Body body) {
  constexpr int END = FIRST + groupOf<LANES, PER_LANE>();
  if (END * LANES > classes) {
#pragma unroll
    for (int k = FIRST; k < END; ++k) body(k, k * LANES + lane, k * LANES + lane < classes);
  } else {
#pragma unroll
    for (int k = FIRST; k < END; ++k) body(k, k * LANES + lane, true);
    if constexpr (END < PER_LANE) forEachOfRow<LANES, PER_LANE, END>(lane, classes, body);
  }
}

// forEachClass of tile.cuh without a break, behind which every array would have two values to merge.
template <int LANES, int PER_LANE, typename Body>
__device__ __forceinline__ void forEachGroup(int lane, int classes, Body body) {
  constexpr int GROUP = groupOf<LANES, PER_LANE>();
#pragma unroll
  for (int first = 0; first < PER_LANE; first += GROUP) {
    if (first * LANES < classes) {
#pragma unroll
      for (int k = first; k < first + GROUP; ++k) body(k, k * LANES + lane);
    }
  }
}

// nearX and nearY where |d| <= NEAR, else farX and farY. nvcc would make a branch of it, an element after
// the other, and warps diverge at it.
__device__ __forceinline__ void chooseByDistance(
    float d, float nearX, float farX, float nearY, float farY, float& x, float& y) {
  asm("{\n\t"
      ".reg .pred near;\n\t"
      "setp.le.f32 near, %6, %7;\n\t"
      "selp.f32 %0, %2, %3, near;\n\t"
      "selp.f32 %1, %4, %5, near;\n\t"
      "}"
      : "=f"(x), "=f"(y)
      : "f"(nearX), "f"(farX), "f"(nearY), "f"(farY), "f"(fabsf(d)), "f"(NEAR));
}

// One row by the threads of a group, LANES of them. zRow, vRow and dzRow are in global or in shared memory.
// Without a teacher the student is its own: the terms are 0, and no loop asks.
template <int LANES, int PER_LANE, bool GRADIENT, typename Group>
__device__ __forceinline__ void lossOfRow(
    const DistillationLoss<float>& loss, Group group, const TileRow& at, const float* zRow,
    const float* teacherRow, float* dzRow) {
  const int classes = loss.classes;
  const bool distils = loss.alpha > 0.0f;
  const bool exists = at.held > 0;
  const float* vRow = distils ? teacherRow : zRow;
  float z[PER_LANE], v[PER_LANE];
  if (exists) {
    forEachOfRow<LANES, PER_LANE>(at.lane, classes, [&](int k, int c, bool isHeld) {
      z[k] = isHeld ? zRow[c] : LOWEST;
      v[k] = isHeld ? vRow[c] : LOWEST;
    });
  } else {
#pragma unroll
    for (int k = 0; k < PER_LANE; ++k) z[k] = v[k] = LOWEST;
  }
  const int label = exists ? loss.labels[at.row] : NO_LABEL;
  const bool labelled = isClass(label, classes);
  const bool learns = labelled && loss.alpha < 1.0f;
  // Read by the thread that will write the gradient there, which may be in the same place.
  const int labelAt = labelled ? heldAt<LANES>(at.lane, label) : -1;
  const float ownLogit = labelAt >= 0 ? zRow[label] : -INFINITY;

  float maxima[2] = {-INFINITY, -INFINITY};  // which a NaN never is; it reaches the sums
  forEachOfRow<LANES, PER_LANE>(at.lane, classes, [&](int k, int, bool isHeld) {
    if (isHeld) {
      maxima[0] = fmaxf(maxima[0], z[k]);
      maxima[1] = fmaxf(maxima[1], v[k]);
    }
  });
  group.tellLabelLogit(labelled ? labelAt >= 0 : at.lane == 0, ownLogit);
  group.largest(maxima);
  const float labelLogit = group.labelLogit(ownLogit, label);
  const float zTop = maxima[0];
  const float vTop = maxima[1];

  // The prediction is the first class with the largest logit.
  const bool labelIsTop = labelled && fmaxf(labelLogit, -INFINITY) == zTop;
  bool earlier = false;
  if (__any_sync(FULL_WARP, labelIsTop)) {
    forEachGroup<LANES, PER_LANE>(at.lane, classes, [&](int k, int c) {
      earlier |= (fmaxf(z[k], -INFINITY) == zTop) & (c < label);
    });
  }

  const float inverseT = 1.0f / loss.temperature;
  const float scale = inverseT * LOG2_E;
  const float topDifference = zTop - vTop;
  float p[PER_LANE], q[PER_LANE];
  float (&s)[PER_LANE] = z;
  float (&g)[PER_LANE] = v;            // times T
  float sums[3] = {0.0f, 0.0f, 0.0f};  // of p, of q, and of s but for the label's
  float spread = 0.0f;
  forEachGroup<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
    const float x = z[k] - zTop;
    const float y = v[k] - vTop;
    g[k] = (z[k] - v[k]) - topDifference;
    p[k] = exp2Approximate(x * scale);
    q[k] = exp2Approximate(y * scale);
    s[k] = exp2Approximate(x * LOG2_E);
    sums[0] += p[k];
    sums[1] += q[k];
    sums[2] += k == labelAt ? 0.0f : s[k];
    spread += fabsf(g[k]);
  });
  // Where a logit is not finite, or differences are too large for d to be.
  bool notFinite = false;
  if (__any_sync(FULL_WARP, !(spread * inverseT < FLT_MAX))) {
#pragma unroll 1
    for (int c = at.lane; c < at.held; c += LANES) {
      notFinite |= fmaf(zRow[c], 0.0f, vRow[c] * 0.0f) != 0.0f;
    }
    const bool isNothing = !distils && !learns;
    forEachGroup<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
      // Where q is 0 only p counts, which any d will do for that is not near.
      if (q[k] == 0.0f) g[k] = 100.0f * loss.temperature;
      if (isNothing) g[k] = p[k] = q[k] = s[k] = 0.0f;
    });
    if (isNothing) sums[0] = sums[1] = 1.0f;
  }
  const bool anyEarlier = group.sum(sums, earlier);

  const float ratio = sums[0] / sums[1];
  const float logRatio = logf(ratio);
  const bool close = fabsf(logRatio) < CLOSE;
  const float h = close ? 0.0f : logRatio;
  const float pScale = close ? 1.0f : 1.0f / ratio;  // exp(-h)
  const float qScale = 1.0f / sums[1];
  const float gradientScale = loss.alpha * loss.temperature / loss.rows * qScale;

  const float others = sums[2];
  const float labelPower = exp2Approximate((labelLogit - zTop) * LOG2_E);
  const float sScale =
      learns ? (1.0f - loss.alpha) / *loss.labelledRows * (1.0f / (others + labelPower)) : 0.0f;

  float (&gradient)[PER_LANE] = q;
  float terms[2] = {0.0f, 0.0f};  // of the divergence, and q*expm1(d)
  forEachGroup<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
    const float d = fmaf(g[k], inverseT, -h);
    const float qd = q[k] * d;
    const float nearTerm = qd * d * expm1Remainder(d);
    const float farDifference = fmaf(p[k], pScale, -q[k]);
    float term, difference;
    chooseByDistance(d, nearTerm, farDifference - qd, qd + nearTerm, farDifference, term, difference);
    terms[0] += term;
    terms[1] += difference;
    // s - 1 of the label is minus what the others have, to the last digit.
    gradient[k] = fmaf(gradientScale, difference, sScale * (k == labelAt ? -others : s[k]));
  });
  const bool anyNotFinite = group.sum(terms, notFinite);
  const float offset = terms[1] * qScale;
  if (GRADIENT && exists) {
    const float pFactor = gradientScale * pScale * (offset - offset * offset);
    forEachOfRow<LANES, PER_LANE>(at.lane, classes, [&](int k, int c, bool isHeld) {
      const float x = fmaf(-pFactor, p[k], gradient[k]);
      if (isHeld) dzRow[c] = x;
    });
  }
  if (at.lane != 0 || !exists) return;
  const float divergence =
      fmaf(-offset * offset, fmaf(offset, -0.333333333f, 0.5f), terms[0] * qScale);
  const float squaredT = loss.temperature * loss.temperature;
  loss.distillation[at.row] =
      !distils || divergence < 0.0f ? 0.0f : squaredT * divergence;  // by rounding only; NaN stays
  // A label that is the largest has a power of exactly 1, whose digits log1p does not need.
  const float sumMinus1 = labelLogit == zTop ? others : (others - 1.0f) + labelPower;
  loss.crossEntropy[at.row] = learns ? log1pf(sumMinus1) - (labelLogit - zTop) : 0.0f;
  const int argmax = labelIsTop && !anyEarlier ? label : -1;
  loss.outcome[at.row] = rowOutcome(label, classes, argmax, anyNotFinite);
}
