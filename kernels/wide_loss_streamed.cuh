// The forms for rows that are too long for registers: streamed, and in two passes for comparison.
#pragma once
#include "wide_loss.cuh"

// Turns sums that were taken with lower maxima into those with higher ones; the arguments are the
// exponents of the old maxima, less the new ones. What was 0 stays 0.
__device__ __forceinline__ void rescale(RowSums& sums, float t1, float tz, float tv) {
  const float factor = exp2OfScalar(tv);
  const float ofStudent = exp2OfScalar(tz);
  sums.excess = fmaf(factor, sums.excess, (ofStudent - factor) * sums.student);
  sums.others *= exp2OfScalar(t1);
  sums.student *= ofStudent;
  const float shifted = factor * fmaf(tv - tz, sums.teacher, sums.difference);
  sums.difference = factor == 0.0f ? 0.0f : shifted;
  sums.teacher *= factor;
}

// A row that is read once for the sums, with maxima that rise on the way, and once more for the
// gradient: from its end, of which L2 has most, or, as others do it, from its beginning again.
template <typename T, int THREADS, bool FROM_END>
__device__ __forceinline__ void lossOfStreamedRow(const DistillationLoss<T>& loss) {
  using Group = RowGroup<THREADS, 1>;
  constexpr int WIDTH = WideRow<T>::WIDTH;
  __shared__ typename Group::template Parts<2> maximaParts;
  __shared__ typename Group::template Parts<5> sumParts;
  __shared__ float labelLogitOfRow;
  const int row = Group::row();
  const size_t start = (size_t)row * loss.classes;
  const T* const z = loss.z + start;
  const T* const v = loss.v + start;
  const WideRow<T> at(z, loss.classes);
  const bool vAligned = at.isAlignedWith(v);
  const RowTerms<T> terms(loss, row);
  const bool distils = terms.distils();
  const int labelPlace = terms.hasLabel() ? at.placeOf(terms.label) : -WIDTH;
  const int labelVector = labelPlace / WIDTH;

  // Starting from the lowest float, not from -inf, so that no difference is NaN on the way.
  Exponents exponents = {LOWEST, LOWEST, LOG2_E / loss.temperature};
  RowSums sums = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  float othersTop = -INFINITY;
  bool finite = true;
  bool noNumber = false;
  for (int vector = threadIdx.x; vector < at.vectors(); vector += THREADS) {
    const uint4 zVector = at.template load<false>(z, vector, true);
    const uint4 vVector = distils ? at.template load<false>(v, vector, vAligned) : zVector;
    Extremes<T> zExtremes, vExtremes;
    zExtremes.add(zVector);
    vExtremes.add(vVector);
    float vectorTop = zExtremes.top();
    if (fmaxf(exponents.zTop, vectorTop) > exponents.zTop ||
        fmaxf(exponents.vTop, vExtremes.top()) > exponents.vTop) {
      const Exponents raised = {fmaxf(exponents.zTop, vectorTop),
                                fmaxf(exponents.vTop, vExtremes.top()), exponents.perT};
      rescale(sums, raised.plain(exponents.zTop), raised.student(exponents.zTop),
              raised.teacher(exponents.vTop));
      exponents = raised;
    }
    const int labelElement = vector == labelVector ? labelPlace % WIDTH : -1;
    if (labelElement >= 0) {
      vectorTop = -INFINITY;
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) {
        const float x = elementOf<T>(zVector, i);
        vectorTop = i == labelElement ? vectorTop : fmaxf(vectorTop, x);
        if (i == labelElement) labelLogitOfRow = x;
      }
    }
    othersTop = fmaxf(othersTop, vectorTop);
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const float x = elementOf<T>(zVector, i);
      const float y = elementOf<T>(vVector, i);
      const float e = exp2Polynomial(exponents.plain(x));
      sums.others += i == labelElement ? 0.0f : e;
      noNumber |= x != x;
      if (distils) {
        float eStudent, eTeacher;
        addCarefully(sums, exponents.student(x), exponents.teacher(y), eStudent, eTeacher);
      }
    }
    if (vector < at.body) {
      zExtremes.check(zVector);
      vExtremes.check(vVector);
      finite &= zExtremes.finite() && vExtremes.finite();
    } else {
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) {
        const float probe = elementOf<T>(zVector, i) * 0.0f + elementOf<T>(vVector, i) * 0.0f;
        finite &= at.classAt(vector * WIDTH + i) < 0 || probe == 0.0f;
      }
    }
  }

  float maxima[2] = {othersTop, exponents.vTop == LOWEST ? -INFINITY : exponents.vTop};
  if (!terms.hasLabel() && threadIdx.x == 0) labelLogitOfRow = -INFINITY;
  const bool notFinite = Group::reduce(maxima, !finite, Largest(), maximaParts);
  othersTop = maxima[0];
  const float labelLogit = labelLogitOfRow;
  const Exponents ofRow = {fmaxf(othersTop, labelLogit), maxima[1], exponents.perT};
  rescale(sums, ofRow.plain(exponents.zTop), ofRow.student(exponents.zTop),
          ofRow.teacher(exponents.vTop));

  bool earlier = false;
  if (terms.hasLabel() && ranked(labelLogit) == othersTop) {
    for (int c = threadIdx.x; c < terms.label; c += THREADS) {
      earlier |= ranked(valueOf(z[c])) == othersTop;
    }
  }
  if (noNumber) sums.others = NAN;
  const bool anyEarlier = sumOverRow<Group>(sums, earlier, ofRow, sumParts);
  const GradientFactors factors(terms, sums, exp2OfScalar(ofRow.plain(labelLogit)));
  if (threadIdx.x == 0) {
    report(row, terms, ofRow, sums, labelLogit, othersTop, anyEarlier, notFinite);
  }

  T* const dz = loss.dz + start;
  const bool dzAligned = at.isAlignedWith(dz);
  const int steps = (at.vectors() + THREADS - 1) / THREADS;
  for (int step = 0; step < steps; ++step) {
    const int vector = (FROM_END ? steps - 1 - step : step) * THREADS + threadIdx.x;
    if (vector >= at.vectors()) continue;
    const uint4 zVector = at.template load<FROM_END>(z, vector, true);
    const uint4 vVector = distils ? at.template load<FROM_END>(v, vector, vAligned) : zVector;
    const int labelElement = vector == labelVector ? labelPlace % WIDTH : -1;
    float gradient[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const float x = elementOf<T>(zVector, i);
      const float e = exp2Polynomial(ofRow.plain(x));
      const float y = elementOf<T>(vVector, i);
      const float ofDistillation =
          distils ? factors.ofDistillation(exp2Approximate(ofRow.student(x)),
                                           exp2Approximate(ofRow.teacher(y)))
                  : 0.0f;
      gradient[i] = factors.withLabel(ofDistillation, i == labelElement ? -sums.others : e);
    }
    at.save(dz, vector, dzAligned, gradient);
  }
}
