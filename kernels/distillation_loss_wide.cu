// The distillation loss and its gradient of distillation_loss_fused.cu, in one launch, for the
// vocabularies of language models, float32 and bfloat16.
// Shapes : as there; z, v and dz float32 or bfloat16, all else float32 or int32.
// Launch : _cN: THREADS threads, 16 elements each; a row by a block, or from c32768 on by a cluster
//          of blocks (compute_90), grid N*blocks; THREADS*64 bytes of dynamic shared memory.
//            c2048 128   c4096 256   c8192 512   c16384 1024
//            c32768 4 x 512   c65536 8 x 512   c131072 16 x 512   c262144 16 x 1024
//          _streamed: any number of classes, 512 threads a row, grid N.
// Writes : as there. dz may be z itself. z, v and dz begin at any element; where their addresses
//          differ modulo 16 bytes, those unlike z go element by element.
// Traffic: (2 + 1)*N*C elements + 16*N bytes; the streamed kernel reads z and v a second time,
//          backwards, so that what its blocks left in L2 comes from there: 5/3 of that at worst.
// Numbers: in float32 whatever the type. With tz = (z - max z)*log2(e)/T and tv likewise,
//            KL = ln2*sum et*(tv - tz)/sum et + ln(sum eT/sum et),   eT = 2^tz, et = 2^tv
//          one exponential for each of eT and et. e1 = 2^((z - max z)*log2(e)) is a third in float32;
//          in bfloat16, and where rows are streamed, a polynomial makes it, so that a row takes 2
//          (3, streamed 4) exponentials an element.
//          The label's own term is left out of sum e1: s_y - 1 is minus the others, to the last
//          digit, and its slot among the e1 then holds minus their sum, so that no element asks
//          whether it is the label.
// Special: as there. Whatever is near -inf or absent goes by the careful branch.
// Ladder : v1. README.md has the table.
// Oracle : float64 in the tests' reference. Tolerance: gradient 1e-6*(1 + |tz| + |tv|)*(p + q) of its
//          element, beside half a unit in the last place of bfloat16; loss by temperature, README.md.
#include "row_group.cuh"
#include "state.cuh"
#include "wide_row.cuh"

template <typename T>
struct DistillationLoss {
  const T* z;  // not __restrict__: dz may be z
  const T* __restrict__ v;
  const int* __restrict__ labels;
  const int* __restrict__ labelledRows;
  float* __restrict__ distillation;
  float* __restrict__ crossEntropy;
  int* __restrict__ outcome;
  T* dz;
  float temperature;
  float alpha;
  int rows;
  int classes;
};

constexpr float LOG2_E = 1.44269504f;
constexpr float LN_2 = 0.693147181f;

// 2^t by the special function unit.
__device__ __forceinline__ float exp2Approximate(float t) {
  float e;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"(t));
  return e;
}

// 2^t for t <= 0, as 2^n * 2^f with f from -1/2 to 1/2, to 2e-7 relative; at least 2^-126.
__device__ __forceinline__ float exp2Polynomial(float t) {
  constexpr float ROUND = 12582912.0f;  // 1.5 * 2^23: adding it leaves n in the low bits
  const float clamped = fmaxf(t, -126.0f);
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

// The same for any t <= 0, and 0 where it is smaller. For what a thread needs once, so that the
// special function units are left to the elements.
__device__ __forceinline__ float exp2OfScalar(float t) {
  return t < -126.0f ? 0.0f : exp2Polynomial(t);
}

// What a row's maxima are subtracted from, and in which units its exponents are.
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
  float difference;  // et*(tv - tz)
};

// One element's part in the sums of the distillation term.
__device__ __forceinline__ void addElement(
    RowSums& sums, float tz, float tv, float& eStudent, float& eTeacher) {
  eStudent = exp2Approximate(tz);
  eTeacher = exp2Approximate(tv);
  sums.student += eStudent;
  sums.teacher += eTeacher;
  sums.difference = fmaf(eTeacher, tv - tz, sums.difference);
}

// The same where an exponent may be infinite: a probability of 0 adds nothing.
__device__ __forceinline__ void addCarefully(
    RowSums& sums, float tz, float tv, float& eStudent, float& eTeacher) {
  eStudent = exp2Approximate(tz);
  eTeacher = exp2Approximate(tv);
  sums.student += eStudent;
  sums.teacher += eTeacher;
  const float sum = fmaf(eTeacher, tv - tz, sums.difference);
  sums.difference = eTeacher == 0.0f ? sums.difference : sum;
}

// Which terms a row has. Nothing is kept that the arguments tell again: registers are dear.
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

// What is said of a row, by one thread. `earlier` is whether a class before the label has its logit.
template <typename T>
__device__ __forceinline__ void report(
    int row, const RowTerms<T>& terms, const Exponents& exponents,
    const RowSums& sums, float labelLogit, float othersTop, bool earlier, bool notFinite) {
  const DistillationLoss<T>& loss = terms.loss;
  float distillation = 0.0f;
  if (terms.distils()) {
    const float divergence =
        LN_2 * (sums.difference / sums.teacher) + logf(sums.student / sums.teacher);
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
  const bool correct = labelLogit > othersTop || (labelLogit == othersTop && !earlier);
  loss.outcome[row] =
      rowOutcome(terms.label, loss.classes, correct ? terms.label : -1, notFinite);
}

// Adds up what the threads of a row have; NaN where the row has an infinite maximum. Returns whether
// the flag is set anywhere.
template <typename Group>
__device__ __forceinline__ bool sumOverRow(
    RowSums& sums, bool flag, const Exponents& exponents, typename Group::template Parts<4>& parts) {
  float x[4] = {sums.others, sums.student, sums.teacher, sums.difference};
  const bool any = Group::reduce(x, flag, Sum(), parts);
  const float ofZ = exponents.zTop - exponents.zTop;  // 0, or NaN
  sums = {x[0] + ofZ, x[1] + ofZ, x[2] + (exponents.vTop - exponents.vTop), x[3]};
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
  unsigned largest = 0xff80ff80u;  // -inf, twice
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
  __device__ float top() const {
    return fmaxf(asFloat(largest << 16), asFloat(largest & 0xffff0000u));
  }
  __device__ bool finite() const { return (probe & 0x7fff7fffu) == 0; }

 private:
  __device__ void addPair(unsigned pair) {
    asm("max.bf16x2 %0, %0, %1;" : "+r"(largest) : "r"(pair));
  }
  __device__ void checkPair(unsigned pair) {
    asm("fma.rn.bf16x2 %0, %1, %2, %0;" : "+r"(probe) : "r"(pair), "r"(0u));
  }
};

// A row that its threads hold: 16 elements each, read once. First the maxima, then the exponentials
// and their sums, in place of the logits, then the gradient.
template <typename T, int THREADS, int BLOCKS>
__device__ __forceinline__ void lossOfHeldRow(const DistillationLoss<T>& loss) {
  using Group = RowGroup<THREADS, BLOCKS>;
  constexpr int WIDTH = WideRow<T>::WIDTH;
  constexpr int VECTORS = 16 / WIDTH;
  __shared__ typename Group::template Parts<2> maximaParts;
  __shared__ typename Group::template Parts<4> sumParts;
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
  constexpr int PER_LINE = 8;  // vectors of a line of 128 bytes, which no two blocks share
  const int perBlock =
      (at.vectors() + BLOCKS * PER_LINE - 1) / (BLOCKS * PER_LINE) * PER_LINE;
  const int first = Group::rank() * perBlock + threadIdx.x;
  const int end = min((Group::rank() + 1) * perBlock, at.vectors());

  const uint4 nothing = sizeof(T) == 4
                            ? make_uint4(0xff800000u, 0xff800000u, 0xff800000u, 0xff800000u)
                            : make_uint4(0xff80ff80u, 0xff80ff80u, 0xff80ff80u, 0xff80ff80u);
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
  if (terms.hasLabel() && labelLogit == othersTop) {
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      const int c = at.classAt((first + k / WIDTH * THREADS) * WIDTH + k % WIDTH);
      earlier |= c >= 0 && c < terms.label && first + k / WIDTH * THREADS < end &&
                 elementOf<T>(z[k / WIDTH], k % WIDTH) == labelLogit;
    }
  }

  RowSums sums = {0.0f, 0.0f, 0.0f, 0.0f};
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

// Turns sums that were taken with lower maxima into those with higher ones; the arguments are the
// old maxima as exponents of the new scale. Nothing is added where nothing was.
__device__ __forceinline__ void rescale(RowSums& sums, float t1, float tz, float tv) {
  const float factor = exp2OfScalar(tv);
  sums.others *= exp2OfScalar(t1);
  sums.student *= exp2OfScalar(tz);
  const float shifted = factor * fmaf(tv - tz, sums.teacher, sums.difference);
  sums.difference = factor == 0.0f ? 0.0f : shifted;
  sums.teacher *= factor;
}

// A row too long to be held: read once for the sums, with maxima that rise on the way, and once more,
// from its end, for the gradient.
template <typename T, int THREADS>
__device__ __forceinline__ void lossOfStreamedRow(const DistillationLoss<T>& loss) {
  using Group = RowGroup<THREADS, 1>;
  constexpr int WIDTH = WideRow<T>::WIDTH;
  constexpr float LOWEST = -3.40282347e38f;
  __shared__ typename Group::template Parts<2> maximaParts;
  __shared__ typename Group::template Parts<4> sumParts;
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
  RowSums sums = {0.0f, 0.0f, 0.0f, 0.0f};
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
  if (terms.hasLabel() && labelLogit == othersTop) {
    for (int c = threadIdx.x; c < terms.label; c += THREADS) earlier |= valueOf(z[c]) == labelLogit;
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
  for (int step = steps - 1; step >= 0; --step) {
    const int vector = step * THREADS + threadIdx.x;
    if (vector >= at.vectors()) continue;
    const uint4 zVector = at.template load<true>(z, vector, true);
    const uint4 vVector = distils ? at.template load<true>(v, vector, vAligned) : zVector;
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

#define LOSS_KERNEL(SYMBOL, ATTRIBUTES, BODY, T)                                               \
  extern "C" __global__ void ATTRIBUTES distillation_loss_##SYMBOL(                            \
      const T* z, const T* __restrict__ v, const int* __restrict__ labels,                     \
      const int* __restrict__ labelledRows, float* __restrict__ distillation,                  \
      float* __restrict__ crossEntropy, int* __restrict__ outcome, T* dz, float temperature,   \
      float alpha, int rows, int classes) {                                                    \
    BODY({z, v, labels, labelledRows, distillation, crossEntropy, outcome, dz, temperature,    \
          alpha, rows, classes});                                                              \
  }
// 64 registers a thread: 16 elements by 1024 threads an SM.
#define HELD_KERNEL(SYMBOL, T, THREADS)                                                        \
  LOSS_KERNEL(SYMBOL, __launch_bounds__(THREADS, 1024 / THREADS),                              \
              (lossOfHeldRow<T, THREADS, 1>), T)
#define CLUSTER_KERNEL(SYMBOL, T, THREADS, BLOCKS)                                             \
  LOSS_KERNEL(SYMBOL, __cluster_dims__(BLOCKS) __launch_bounds__(THREADS, 1024 / THREADS),     \
              (lossOfHeldRow<T, THREADS, BLOCKS>), T)

#define STREAMED_KERNEL(SYMBOL, T, THREADS)                                                    \
  LOSS_KERNEL(SYMBOL, __launch_bounds__(THREADS, 2), (lossOfStreamedRow<T, THREADS>), T)

// float32 is built once, for compute_75; bfloat16 needs compute_80, clusters compute_90.
#if __CUDA_ARCH__ < 800
HELD_KERNEL(c2048_fused_f32_v1, float, 128)
HELD_KERNEL(c4096_fused_f32_v1, float, 256)
HELD_KERNEL(c8192_fused_f32_v1, float, 512)
HELD_KERNEL(c16384_fused_f32_v1, float, 1024)
STREAMED_KERNEL(streamed_fused_f32_v1, float, 512)
#elif __CUDA_ARCH__ < 900
HELD_KERNEL(c2048_fused_bf16_v1, __nv_bfloat16, 128)
HELD_KERNEL(c4096_fused_bf16_v1, __nv_bfloat16, 256)
HELD_KERNEL(c8192_fused_bf16_v1, __nv_bfloat16, 512)
HELD_KERNEL(c16384_fused_bf16_v1, __nv_bfloat16, 1024)
STREAMED_KERNEL(streamed_fused_bf16_v1, __nv_bfloat16, 512)
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
