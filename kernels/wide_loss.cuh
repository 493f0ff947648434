// What every form of the distillation loss of vocabularies has in common: the sums over a row, the factors
// of its gradient and what is said of it. distillation_loss_wide.cu has the formulas; wide_loss_held.cuh
// and wide_loss_streamed.cuh have the forms.
#pragma once
#include "distillation_loss.cuh"
#include "exp2.cuh"
#include "row_group.cuh"
#include "wide_row.cuh"

// Turns logits into exponents of 2: less the row's maximum, times log2(e)/T, or log2(e) where T is 1.
struct Exponents {
  float zTop;
  float vTop;
  float perT;  // log2(e)/T

  __device__ float student(float z) const { return (z - zTop) * perT; }
  __device__ float teacher(float v) const { return (v - vTop) * perT; }
  __device__ float plain(float z) const { return (z - zTop) * LOG2_E; }
};

// Sums over a row.
struct RowSums {
  float others;      // e1, without the label's
  float student;     // eT
  float teacher;     // et
  float excess;      // eT - et, class by class: the difference of the two sums would lose its digits
  float difference;  // et*(tv - tz)
};

// One element's part in the sums of the distillation term.
__device__ __forceinline__ void addElement(
    RowSums& sums, float tz, float tv, float& eStudent, float& eTeacher) {
  eStudent = exp2Approximate(tz);
  eTeacher = exp2Approximate(tv);
  sums.student += eStudent;
  sums.teacher += eTeacher;
  sums.excess += eStudent - eTeacher;
  sums.difference = fmaf(eTeacher, tv - tz, sums.difference);
}

// Adds an element to `difference` where an exponent may be infinite: a probability of 0 adds nothing.
__device__ __forceinline__ void addDifference(RowSums& sums, float eTeacher, float difference) {
  const float sum = fmaf(eTeacher, difference, sums.difference);
  sums.difference = eTeacher == 0.0f ? sums.difference : sum;
}

// addElement where an exponent may be infinite.
__device__ __forceinline__ void addCarefully(
    RowSums& sums, float tz, float tv, float& eStudent, float& eTeacher) {
  eStudent = exp2Approximate(tz);
  eTeacher = exp2Approximate(tv);
  sums.student += eStudent;
  sums.teacher += eTeacher;
  sums.excess += eStudent - eTeacher;
  addDifference(sums, eTeacher, tv - tz);
}

// Which terms a row has. What the arguments tell is not kept, to save registers.
template <typename T>
struct RowTerms {
  const DistillationLoss<T>& loss;
  int label;
  int labelledRows;

  __device__ RowTerms(const DistillationLoss<T>& loss, int row)
      : loss(loss),
        label(loss.labels[row]),
        labelledRows(loss.alpha < 1.0f ? *loss.labelledRows : 1) {}

  __device__ bool hasLabel() const { return isClass(label, loss.classes); }
  __device__ bool distils() const { return loss.alpha > 0.0f; }
  __device__ bool learns() const { return loss.alpha < 1.0f && hasLabel(); }
};

// dz = student*eT - teacher*et + label*e1.
struct GradientFactors {
  float student;
  float teacher;
  float label;

  template <typename T>
  __device__ GradientFactors(const RowTerms<T>& terms, const RowSums& sums, float ofLabel) {
    const float alpha = terms.loss.alpha;
    const float ofDistillation = alpha * terms.loss.temperature / terms.loss.rows;
    student = ofDistillation / sums.student;
    teacher = ofDistillation / sums.teacher;
    label = terms.learns() ? (1.0f - alpha) / terms.labelledRows / (sums.others + ofLabel) : 0.0f;
  }

  __device__ float ofDistillation(float eStudent, float eTeacher) const {
    return fmaf(student, eStudent, -(teacher * eTeacher));
  }
  __device__ float withLabel(float ofDistillation, float e1) const {
    return fmaf(label, e1, ofDistillation);
  }
};

// A logit as it counts for the maximum: a NaN as -inf, since it is never the largest.
__device__ __forceinline__ float ranked(float logit) { return fmaxf(logit, -INFINITY); }

// Writes both terms and the outcome of a row, by one thread. `earlier`: whether a class before the label is as large.
template <typename T>
__device__ __forceinline__ void report(
    int row, const RowTerms<T>& terms, const Exponents& exponents,
    const RowSums& sums, float labelLogit, float othersTop, bool earlier, bool notFinite) {
  const DistillationLoss<T>& loss = terms.loss;
  float distillation = 0.0f;
  if (terms.distils()) {
    const float excess = sums.excess / sums.teacher;
    const float logOfRatio =
        excess < -0.5f ? logf(sums.student / sums.teacher) : log1pf(excess);
    const float divergence = LN_2 * (sums.difference / sums.teacher) + logOfRatio;
    const float scaled = loss.temperature * loss.temperature * divergence;
    distillation = scaled < 0.0f ? 0.0f : scaled;  // by rounding only; NaN stays
  }
  float crossEntropy = 0.0f;
  if (terms.learns()) {
    const float t = exponents.plain(labelLogit);
    crossEntropy = labelLogit == exponents.zTop
                       ? log1pf(sums.others)
                       : logf(sums.others + exp2OfScalar(t)) - (labelLogit - exponents.zTop);
  }
  loss.distillation[row] = distillation;
  loss.crossEntropy[row] = crossEntropy;
  const float rank = ranked(labelLogit);
  const bool correct = rank > othersTop || (rank == othersTop && !earlier);
  loss.outcome[row] =
      rowOutcome(terms.label, loss.classes, correct ? terms.label : -1, notFinite);
}

// Adds up what the threads of a row have; NaN where the row has an infinite maximum. Returns whether
// the flag is set anywhere.
template <typename Group>
__device__ __forceinline__ bool sumOverRow(
    RowSums& sums, bool flag, const Exponents& exponents, typename Group::template Parts<5>& parts) {
  float x[5] = {sums.others, sums.student, sums.teacher, sums.excess, sums.difference};
  const bool any = Group::reduce(x, flag, Sum(), parts);
  const float ofZ = exponents.zTop - exponents.zTop;  // 0, or NaN
  sums = {x[0] + ofZ, x[1] + ofZ, x[2] + (exponents.vTop - exponents.vTop), x[3] + ofZ, x[4]};
  return any;
}

// The largest elements of the vectors of a thread, and whether all that it saw was finite.
template <typename T>
struct Extremes;

template <>
struct Extremes<float> {
  float largest = -INFINITY;
  float probe = 0.0f;  // NaN once something was not finite

  __device__ void add(const uint4& vector) {
#pragma unroll
    for (int i = 0; i < 4; ++i) largest = fmaxf(largest, elementOf<float>(vector, i));
  }
  __device__ void check(const uint4& vector) {
#pragma unroll
    for (int i = 0; i < 4; ++i) probe = fmaf(elementOf<float>(vector, i), 0.0f, probe);
  }
  __device__ float top() const { return largest; }
  __device__ bool finite() const { return probe == 0.0f; }
};

// Two elements an instruction.
template <>
struct Extremes<__nv_bfloat16> {
  unsigned largest = WideRow<__nv_bfloat16>::ABSENT;
  unsigned probe = 0;

  __device__ void add(const uint4& vector) {
    addPair(vector.x);
    addPair(vector.y);
    addPair(vector.z);
    addPair(vector.w);
  }
  __device__ void check(const uint4& vector) {
    checkPair(vector.x);
    checkPair(vector.y);
    checkPair(vector.z);
    checkPair(vector.w);
  }
  __device__ float top() const { return fmaxf(lowOf(largest), highOf(largest)); }
  __device__ bool finite() const { return (probe & 0x7fff7fffu) == 0; }

 private:
  __device__ void addPair(unsigned pair) {
    asm("max.bf16x2 %0, %0, %1;" : "+r"(largest) : "r"(pair));
  }
  __device__ void checkPair(unsigned pair) {
    asm("fma.rn.bf16x2 %0, %1, %2, %0;" : "+r"(probe) : "r"(pair), "r"(0u));
  }
};
