// The form of a row that its threads hold, those of a block or of a cluster of blocks.
#pragma once
#include "wide_loss.cuh"

// A row that its threads hold: 16 elements each, read once. First the maxima, then the exponentials
// and their sums, in place of the logits, then the gradient.
template <typename T, int THREADS, int BLOCKS>
__device__ __forceinline__ void lossOfHeldRow(const DistillationLoss<T>& loss) {
  using Group = RowGroup<THREADS, BLOCKS>;
  constexpr int WIDTH = WideRow<T>::WIDTH;
  constexpr int VECTORS = 16 / WIDTH;
  __shared__ typename Group::template Parts<2> maximaParts;
  __shared__ typename Group::template Parts<5> sumParts;
  __shared__ float labelLogitOfRow;
  extern __shared__ float4 e1OfBlock[];  // [4][THREADS]: the e1 of each thread's elements
  float4* const e1 = e1OfBlock + threadIdx.x;
  const auto e1At = [&](int element) -> float& {
    return reinterpret_cast<float*>(&e1[element / 4 * THREADS])[element % 4];
  };

  Group::enter();
  const int row = Group::row();
  const size_t start = (size_t)row * loss.classes;
  const WideRow<T> at(loss.z + start, loss.classes);
  const RowTerms<T> terms(loss, row);
  const auto [first, end] = heldVectors<THREADS, BLOCKS>(at.vectors());

  constexpr unsigned ABSENT = WideRow<T>::ABSENT;
  const uint4 nothing = make_uint4(ABSENT, ABSENT, ABSENT, ABSENT);
  uint4 z[VECTORS], v[VECTORS];
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = first + j * THREADS;
    z[j] = vector < end ? at.template load<true>(loss.z + start, vector, true) : nothing;
  }
  const bool vAligned = at.isAlignedWith(loss.v + start);
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = first + j * THREADS;
    v[j] = terms.distils() && vector < end ? at.template load<true>(loss.v + start, vector, vAligned) : nothing;
  }

  // The element of this thread that is the label, or -1.
  const int labelPlace = terms.hasLabel() ? at.placeOf(terms.label) : -1;
  const int steps = labelPlace / WIDTH - first;
  const int own =
      terms.hasLabel() && steps >= 0 && steps % THREADS == 0 && labelPlace / WIDTH < end
          ? steps / THREADS * WIDTH + labelPlace % WIDTH
          : -1;

  Extremes<T> zExtremes, vExtremes;
  bool finite = true;
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = first + j * THREADS;
    zExtremes.add(z[j]);
    vExtremes.add(v[j]);
    if (vector < min(end, at.body)) {
      zExtremes.check(z[j]);
      if (terms.distils()) vExtremes.check(v[j]);
    } else if (vector < end) {
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) {
        const float x = elementOf<T>(z[j], i);
        const float y = terms.distils() ? elementOf<T>(v[j], i) : 0.0f;
        finite &= at.classAt(vector * WIDTH + i) < 0 || fmaf(x, 0.0f, y * 0.0f) == 0.0f;
      }
    }
  }
  finite &= zExtremes.finite() && vExtremes.finite();
  float maxima[2] = {zExtremes.top(), vExtremes.top()};  // but for the label's logit
  Group::awaitEntry();
  if (own >= 0) {
    maxima[0] = -INFINITY;
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      const float x = elementOf<T>(z[k / WIDTH], k % WIDTH);
      maxima[0] = k == own ? maxima[0] : fmaxf(maxima[0], x);
      if (k == own) Group::tell(labelLogitOfRow, x);
    }
  }
  if (!terms.hasLabel() && first == 0) Group::tell(labelLogitOfRow, -INFINITY);
  const bool notFinite = Group::reduce(maxima, !finite, Largest(), maximaParts);
  const float othersTop = maxima[0];
  const float labelLogit = labelLogitOfRow;
  const Exponents exponents = {fmaxf(othersTop, labelLogit), maxima[1],
                               LOG2_E / loss.temperature};

  bool earlier = false;
  if (terms.hasLabel() && ranked(labelLogit) == othersTop) {
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      const int c = at.classAt((first + k / WIDTH * THREADS) * WIDTH + k % WIDTH);
      earlier |= c >= 0 && c < terms.label && first + k / WIDTH * THREADS < end &&
                 ranked(elementOf<T>(z[k / WIDTH], k % WIDTH)) == othersTop;
    }
  }

  RowSums sums = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  float eStudent[16], eTeacher[16];
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = first + j * THREADS;
    if (vector >= end) break;
    if (terms.learns()) {
      float e[WIDTH];
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) {
        const float t = exponents.plain(elementOf<T>(z[j], i));
        e[i] = sizeof(T) == 2 ? exp2Polynomial(t) : exp2Approximate(t);
        sums.others += e[i];
      }
#pragma unroll
      for (int i = 0; i < WIDTH; i += 4) {
        e1[(j * WIDTH + i) / 4 * THREADS] = make_float4(e[i], e[i + 1], e[i + 2], e[i + 3]);
      }
    }
    if (terms.distils()) {
      const bool careful = notFinite || vector >= at.body;
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) {
        const int k = j * WIDTH + i;
        const float tz = exponents.student(elementOf<T>(z[j], i));
        const float tv = exponents.teacher(elementOf<T>(v[j], i));
        if (careful) {
          addCarefully(sums, tz, tv, eStudent[k], eTeacher[k]);
        } else {
          addElement(sums, tz, tv, eStudent[k], eTeacher[k]);
        }
      }
    }
    if (sizeof(T) == 2 && notFinite) {  // which the polynomial does not show
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) {
        const float x = elementOf<T>(z[j], i);
        if (x != x) sums.others = x;
      }
    }
  }
  // A finite logit may be so far below the largest, as those that are masked with the lowest number
  // are, that its exponent is infinite. Then what this thread has is read again.
  if (sums.difference != sums.difference) {
    sums.difference = 0.0f;
#pragma unroll 1
    for (int k = 0; k < 16; ++k) {
      const int vector = first + k / WIDTH * THREADS;
      const int c = vector < end ? at.classAt(vector * WIDTH + k % WIDTH) : -1;
      if (c < 0) continue;
      const float tv = exponents.teacher(valueOf(loss.v[start + c]));
      const float tz = exponents.student(valueOf(loss.z[start + c]));
      addDifference(sums, exp2Approximate(tv), tv - tz);
    }
  }
  if (own >= 0 && terms.learns()) {
    const float whatever = sums.others * 0.0f;  // 0, or NaN
    e1At(own) = 0.0f;
    sums.others = whatever;
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      if (first + k / WIDTH * THREADS < end) sums.others += e1At(k);
    }
  }

  const bool anyEarlier = sumOverRow<Group>(sums, earlier, exponents, sumParts);
  const GradientFactors factors(terms, sums, exp2OfScalar(exponents.plain(labelLogit)));
  if (own >= 0 && terms.learns()) e1At(own) = -sums.others;

  if (Group::rank() == 0 && threadIdx.x == 0) {
    report(row, terms, exponents, sums, labelLogit, othersTop, anyEarlier,
           notFinite);
  }

  T* const dz = loss.dz + start;
  const bool dzAligned = at.isAlignedWith(dz);
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = first + j * THREADS;
    if (vector >= end) break;
    float gradient[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const int k = j * WIDTH + i;
      gradient[i] =
          terms.distils() ? factors.ofDistillation(eStudent[k], eTeacher[k]) : 0.0f;
    }
    if (terms.learns()) {
#pragma unroll
      for (int i = 0; i < WIDTH; i += 4) {
        const float4 e = e1[(j * WIDTH + i) / 4 * THREADS];
        gradient[i] = factors.withLabel(gradient[i], e.x);
        gradient[i + 1] = factors.withLabel(gradient[i + 1], e.y);
        gradient[i + 2] = factors.withLabel(gradient[i + 2], e.z);
        gradient[i + 3] = factors.withLabel(gradient[i + 3], e.w);
      }
    }
    at.save(dz, vector, dzAligned, gradient);
  }
}
