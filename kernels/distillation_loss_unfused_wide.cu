// The two chains of distillation_loss_unfused.cu for vocabularies: the row kernels for any number of
// classes, in float32 and bfloat16, and the element kernels in bfloat16. Softmaxes are those of
// temperature_softmax_wide.cu.
// Shapes : as there; tensors [N, C] or of n elements are float32 or bfloat16, and begin at a 16-byte
//          boundary in bfloat16. What is one number, or one a row, is float32, partial sums too.
//          C < 2^24.
// Launch : row kernels 512 threads a row, grid N; element kernels in bfloat16 256 threads of 8
//          elements, grid ceil(n/2048); sum and nll as there.
// Writes : as there.
// Numbers: in float32, rounded once to the type of what is written, as PyTorch's.
// Special: as there.
// Ladder : v0. Oracle: as there; tolerance: as there, beside half a unit in the last place of
//          bfloat16.
#include "row_group.cuh"
#include "unfused_loss.cuh"
#include "wide_row.cuh"

constexpr int ROW_THREADS = 512;
using Row = RowGroup<ROW_THREADS, 1>;

// distillation[n] = T^2 * sum_c q_c*(log q_c - logP_c)
template <typename T>
__device__ __forceinline__ void klForward(
    const T* q, const T* logP, float* distillation, float temperature, int classes) {
  constexpr int WIDTH = WideRow<T>::WIDTH;
  __shared__ Row::Parts<1> parts;
  const size_t start = (size_t)Row::row() * classes;
  const WideRow<T> at(q + start, classes);
  const bool logPAligned = at.isAlignedWith(logP + start);
  float sum[1] = {0.0f};
  for (int vector = threadIdx.x; vector < at.vectors(); vector += ROW_THREADS) {
    const uint4 targets = at.template load<true>(q + start, vector, true);
    const uint4 inputs = at.template load<true>(logP + start, vector, logPAligned);
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const float target = elementOf<T>(targets, i);
      const bool isClass = vector < at.body || at.classAt(vector * WIDTH + i) >= 0;
      const float term = target * (logf(target) - elementOf<T>(inputs, i));
      sum[0] += target == 0.0f || !isClass ? 0.0f : term;
    }
  }
  Row::reduce(sum, false, Sum(), parts);
  if (threadIdx.x == 0) distillation[Row::row()] = temperature * temperature * sum[0];
}

// The largest logit of a row and the first class that has it, the sum of exponentials, and whether
// a logit is not finite; every thread gets them.
struct RowFacts {
  float top;
  int topClass;
  float sum;
  bool notFinite;
};

template <typename T, bool SUM>
__device__ __forceinline__ RowFacts factsOf(const T* z, int classes) {
  constexpr int WIDTH = WideRow<T>::WIDTH;
  __shared__ Row::Parts<1> topParts, classParts, sumParts;
  const size_t start = (size_t)Row::row() * classes;
  const WideRow<T> at(z + start, classes);
  float top = -INFINITY;
  int topClass = 0;
  float sum[1] = {0.0f};
  float probe = 0.0f;
  for (int vector = threadIdx.x; vector < at.vectors(); vector += ROW_THREADS) {
    const uint4 logits = at.template load<true>(z + start, vector, true);
    const float before = top;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const float x = elementOf<T>(logits, i);
      const int c = at.classAt(vector * WIDTH + i);
      const bool better = (x > top) | ((x == top) & (c < topClass) & (c >= 0));
      topClass = better ? c : topClass;
      top = better ? x : top;
      probe = fmaf(c >= 0 ? x : 0.0f, 0.0f, probe);
    }
    if (SUM) {
      const float shift = fmaxf(top, LOWEST);
      if (top > before) sum[0] *= expf(fmaxf(before, LOWEST) - shift);
#pragma unroll
      for (int i = 0; i < WIDTH; ++i) sum[0] += expf(elementOf<T>(logits, i) - shift);
    }
  }
  float topOfRow[1] = {top};
  const bool notFinite = Row::reduce(topOfRow, probe != 0.0f, Largest(), topParts);
  float first[1] = {top == topOfRow[0] ? -static_cast<float>(topClass) : -INFINITY};
  Row::reduce(first, false, Largest(), classParts);
  if (SUM) {
    sum[0] *= expf(fmaxf(top, LOWEST) - topOfRow[0]);
    Row::reduce(sum, false, Sum(), sumParts);
  }
  return {topOfRow[0], static_cast<int>(-first[0]), sum[0], notFinite};
}

template <typename T>
__device__ __forceinline__ void crossEntropyForward(
    const T* z, const int* labels, float* crossEntropy, float* logSumExp, int* outcome,
    int classes) {
  const RowFacts facts = factsOf<T, true>(z, classes);
  if (threadIdx.x != 0) return;
  const int row = Row::row();
  const int label = labels[row];
  const float total = facts.top + logf(facts.sum);
  logSumExp[row] = total;
  crossEntropy[row] =
      isClass(label, classes) ? total - valueOf(z[(size_t)row * classes + label]) : 0.0f;
  outcome[row] = rowOutcome(label, classes, facts.topClass, facts.notFinite);
}

template <typename T>
__device__ __forceinline__ void outcomeOfRow(
    const T* z, const int* labels, int* outcome, int classes) {
  const RowFacts facts = factsOf<T, false>(z, classes);
  if (threadIdx.x != 0) return;
  outcome[Row::row()] = rowOutcome(labels[Row::row()], classes, facts.topClass, facts.notFinite);
}

#define ROW_KERNELS(DTYPE, T)                                                                    \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS)                                      \
      kl_forward_streamed_unfused_##DTYPE##_v0(                                                  \
          const T* q, const T* logP, float* distillation, float temperature, int rows,           \
          int classes) {                                                                         \
    klForward(q, logP, distillation, temperature, classes);                                      \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS)                                      \
      cross_entropy_forward_streamed_unfused_##DTYPE##_v0(                                       \
          const T* z, const int* labels, float* crossEntropy, float* logSumExp, int* outcome,    \
          int rows, int classes) {                                                               \
    crossEntropyForward(z, labels, crossEntropy, logSumExp, outcome, classes);                   \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS)                                      \
      row_outcome_streamed_unfused_##DTYPE##_v0(                                                 \
          const T* z, const int* labels, int* outcome, int rows, int classes) {                  \
    outcomeOfRow(z, labels, outcome, classes);                                                   \
  }

#if __CUDA_ARCH__ < 800
ROW_KERNELS(f32, float)
#else
ROW_KERNELS(bf16, __nv_bfloat16)

constexpr int EIGHT = 8;
using Bfloat16 = __nv_bfloat16;

// Eight neighbouring elements from `first` on, 0 behind the last of n.
__device__ __forceinline__ void load(const Bfloat16* from, size_t first, int n, float (&x)[EIGHT]) {
  if (first + EIGHT <= n) {
    const uint4 vector = *reinterpret_cast<const uint4*>(from + first);
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) x[i] = elementOf<Bfloat16>(vector, i);
  } else {
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) x[i] = first + i < n ? valueOf(from[first + i]) : 0.0f;
  }
}

__device__ __forceinline__ void save(Bfloat16* to, size_t first, int n, const float (&x)[EIGHT]) {
  if (first + EIGHT <= n) {
    storeLast(to + first, x);
  } else {
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) {
      if (first + i < n) store(to + first + i, x[i]);
    }
  }
}

#define ELEMENT_KERNEL(SYMBOL, INPUTS, LOADS, EXPRESSION)                                  \
  extern "C" __global__ void __launch_bounds__(BLOCK) SYMBOL(INPUTS, Bfloat16* y, int n) { \
    const size_t first = firstElement<EIGHT>();                                            \
    float x[EIGHT];                                                                        \
    LOADS;                                                                                 \
    for (int i = 0; i < EIGHT; ++i) x[i] = EXPRESSION;                                     \
    save(y, first, n, x);                                                                  \
  }
#define ONE_TENSOR const Bfloat16* a
#define TWO_TENSORS const Bfloat16 *a, const Bfloat16 *b
#define TENSOR_AND_FACTOR const Bfloat16 *a, float factor
#define LOAD_ONE load(a, first, n, x)
#define LOAD_TWO float other[EIGHT]; load(a, first, n, x); load(b, first, n, other)

ELEMENT_KERNEL(scale_unfused_bf16_v0, TENSOR_AND_FACTOR, LOAD_ONE, x[i] * factor)
ELEMENT_KERNEL(add_unfused_bf16_v0, TWO_TENSORS, LOAD_TWO, x[i] + other[i])
ELEMENT_KERNEL(subtract_unfused_bf16_v0, TWO_TENSORS, LOAD_TWO, x[i] - other[i])
ELEMENT_KERNEL(multiply_unfused_bf16_v0, TWO_TENSORS, LOAD_TWO, x[i] * other[i])
ELEMENT_KERNEL(xlogx_unfused_bf16_v0, ONE_TENSOR, LOAD_ONE, xlogx(x[i]))
ELEMENT_KERNEL(negate_expand_unfused_bf16_v0, const float* a, , -a[0])

extern "C" __global__ void __launch_bounds__(BLOCK)
    sum_unfused_bf16_v0(const Bfloat16* x, float* partials, int n) {
  float sum = 0.0f;
  for (size_t first = firstElement<EIGHT>(); first < n; first += (size_t)gridDim.x * BLOCK * EIGHT) {
    float elements[EIGHT];
    load(x, first, n, elements);
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) sum += elements[i];
  }
  sum = blockSum<BLOCK>(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK) nll_unfused_bf16_v0(
    const Bfloat16* logS, const int* labels, float* loss, int* labelledRows, int rows,
    int classes) {
  meanNll(logS, labels, loss, labelledRows, rows, classes);
}

extern "C" __global__ void __launch_bounds__(BLOCK) nll_backward_unfused_bf16_v0(
    const float* dLoss, const int* labels, const int* labelledRows, Bfloat16* dLogS, int rows,
    int classes) {
  const size_t first = firstElement<EIGHT>();
  const int n = rows * classes;
  float x[EIGHT];
#pragma unroll
  for (int i = 0; i < EIGHT; ++i) {
    const int element = static_cast<int>(first) + i;
    const bool isLabel = first + i < n && element % classes == labels[element / classes];
    x[i] = isLabel ? -*dLoss / *labelledRows : 0.0f;
  }
  save(dLogS, first, n, x);
}

extern "C" __global__ void __launch_bounds__(BLOCK) cross_entropy_backward_unfused_bf16_v0(
    const Bfloat16* z, const float* logSumExp, const int* labels, const int* labelledRows,
    Bfloat16* dz, float alpha, int rows, int classes) {
  const size_t first = firstElement<EIGHT>();
  const int n = rows * classes;
  if (first >= n) return;
  const float scale = (1.0f - alpha) / *labelledRows;
  float x[EIGHT];
  load(z, first, n, x);
#pragma unroll
  for (int i = 0; i < EIGHT; ++i) {
    const int element = min(static_cast<int>(first) + i, n - 1);
    const int row = element / classes;
    const int label = labels[row];
    const float s = expf(x[i] - logSumExp[row]);
    const float d = scale * (s - (element % classes == label ? 1.0f : 0.0f));
    x[i] = isClass(label, classes) ? d : 0.0f;
  }
  save(dz, first, n, x);
}
#endif
