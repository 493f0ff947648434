// The operations of temperature_softmax.cu on rows of more classes, float32 and bfloat16.
// Shapes : as there; x, y, dx, dy float32 or bfloat16.
// Launch : _cN: THREADS threads, 16 elements of each matrix each; a row by a block, or by a cluster of
//          blocks (compute_90), grid N*blocks.
//            c4096 256   c16384 1024   c131072 8 x 1024   c262144 16 x 1024
//          _streamed: any number of classes, 512 threads a row, grid N.
// Writes : as there. Matrices begin at any element; where their addresses differ modulo 16 bytes,
//          those unlike x (backward: y) go element by element.
// Traffic: 2 (backward: 3) accesses an element; the streamed kernels read everything a second time,
//          backwards, so that what their blocks left in L2 comes from there.
// Numbers: in float32 whatever the type; an exponential an element, streamed softmaxes two.
// Special: as there.
// Ladder : v1. README.md has the table.
// Oracle : as there. Tolerance: as there, beside half a unit in the last place of bfloat16.
#include "row_group.cuh"
#include "wide_row.cuh"

template <typename T>
__device__ __forceinline__ float largestOf(const uint4& vector) {
  float top = -INFINITY;
#pragma unroll
  for (int i = 0; i < WideRow<T>::WIDTH; ++i) top = fmaxf(top, elementOf<T>(vector, i));
  return top;
}

template <typename T, bool LOG, int THREADS, int BLOCKS>
__device__ __forceinline__ void forwardOfHeldRow(
    const T* x, T* y, float temperature, int classes) {
  using Group = RowGroup<THREADS, BLOCKS>;
  constexpr int WIDTH = WideRow<T>::WIDTH;
  constexpr int VECTORS = 16 / WIDTH;
  __shared__ typename Group::template Parts<1> topParts, sumParts;
  Group::enter();
  const size_t start = (size_t)Group::row() * classes;
  const WideRow<T> at(x + start, classes);
  const HeldVectors held = heldVectors<THREADS, BLOCKS>(at.vectors());
  const float inverseT = 1.0f / temperature;
  uint4 vectors[VECTORS];
  float top[1] = {-INFINITY};
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = held.first + j * THREADS;
    if (vector < held.end) vectors[j] = at.template load<true>(x + start, vector, true);
  }
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    if (held.first + j * THREADS < held.end) top[0] = fmaxf(top[0], largestOf<T>(vectors[j]));
  }
  Group::awaitEntry();
  Group::reduce(top, false, Largest(), topParts);

  float e[VECTORS][WIDTH];
  float sum[1] = {0.0f};
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    if (held.first + j * THREADS >= held.end) break;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const float exponent = (elementOf<T>(vectors[j], i) - top[0]) * inverseT;
      const float power = expf(exponent);
      e[j][i] = LOG ? exponent : power;
      sum[0] += power;
    }
  }
  Group::reduce(sum, false, Sum(), sumParts);
  const float scale = 1.0f / sum[0];
  const float logSum = logf(sum[0]);
  const bool yAligned = at.isAlignedWith(y + start);
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = held.first + j * THREADS;
    if (vector >= held.end) break;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) e[j][i] = LOG ? e[j][i] - logSum : e[j][i] * scale;
    at.save(y + start, vector, yAligned, e[j]);
  }
}

// The sum is of exponentials of the largest logit so far, and is rescaled where that rises.
template <typename T, bool LOG, int THREADS>
__device__ __forceinline__ void forwardOfStreamedRow(
    const T* x, T* y, float temperature, int classes) {
  using Group = RowGroup<THREADS, 1>;
  constexpr int WIDTH = WideRow<T>::WIDTH;
  __shared__ typename Group::template Parts<1> topParts, sumParts;
  const size_t start = (size_t)Group::row() * classes;
  const WideRow<T> at(x + start, classes);
  const float inverseT = 1.0f / temperature;
  float top = LOWEST;
  float sum[1] = {0.0f};
  for (int vector = threadIdx.x; vector < at.vectors(); vector += THREADS) {
    const uint4 logits = at.template load<false>(x + start, vector, true);
    const float higher = fmaxf(top, largestOf<T>(logits));
    if (higher > top) sum[0] *= expf((top - higher) * inverseT);
    top = higher;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      sum[0] += expf((elementOf<T>(logits, i) - top) * inverseT);
    }
  }
  float topOfRow[1] = {top == LOWEST ? -INFINITY : top};
  Group::reduce(topOfRow, false, Largest(), topParts);
  sum[0] *= expf((top - topOfRow[0]) * inverseT);
  Group::reduce(sum, false, Sum(), sumParts);

  const float scale = 1.0f / sum[0];
  const float logSum = logf(sum[0]);
  const bool yAligned = at.isAlignedWith(y + start);
  const int steps = (at.vectors() + THREADS - 1) / THREADS;
  for (int step = steps - 1; step >= 0; --step) {
    const int vector = step * THREADS + threadIdx.x;
    if (vector >= at.vectors()) continue;
    const uint4 logits = at.template load<true>(x + start, vector, true);
    float outputs[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      const float exponent = (elementOf<T>(logits, i) - topOfRow[0]) * inverseT;
      outputs[i] = LOG ? exponent - logSum : expf(exponent) * scale;
    }
    at.save(y + start, vector, yAligned, outputs);
  }
}

// A vector's part in the sum that its row's gradient needs: of dy, or of dy*y.
template <typename T, bool LOG>
__device__ __forceinline__ float partOfSum(
    const WideRow<T>& at, int vector, const uint4& outputs, const uint4& gradients) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < WideRow<T>::WIDTH; ++i) {
    const float gradient = elementOf<T>(gradients, i);
    const float part = LOG ? gradient : gradient * elementOf<T>(outputs, i);
    const bool isClass = vector < at.body || at.classAt(vector * WideRow<T>::WIDTH + i) >= 0;
    sum += isClass ? part : 0.0f;
  }
  return sum;
}

template <typename T, bool LOG>
__device__ __forceinline__ void saveGradient(
    const WideRow<T>& at, T* dx, int vector, bool aligned, const uint4& outputs,
    const uint4& gradients, float sum, float inverseT) {
  float result[WideRow<T>::WIDTH];
#pragma unroll
  for (int i = 0; i < WideRow<T>::WIDTH; ++i) {
    const float output = elementOf<T>(outputs, i);
    const float gradient = elementOf<T>(gradients, i);
    const float d = LOG ? gradient - expf(output) * sum : output * (gradient - sum);
    result[i] = d * inverseT;
  }
  at.save(dx, vector, aligned, result);
}

template <typename T, bool LOG, int THREADS, int BLOCKS>
__device__ __forceinline__ void backwardOfHeldRow(
    const T* dy, const T* y, T* dx, float temperature, int classes) {
  using Group = RowGroup<THREADS, BLOCKS>;
  constexpr int VECTORS = 16 / WideRow<T>::WIDTH;
  __shared__ typename Group::template Parts<1> sumParts;
  Group::enter();
  const size_t start = (size_t)Group::row() * classes;
  const WideRow<T> at(y + start, classes);
  const HeldVectors held = heldVectors<THREADS, BLOCKS>(at.vectors());
  const bool dyAligned = at.isAlignedWith(dy + start);
  const bool dxAligned = at.isAlignedWith(dx + start);
  const float inverseT = 1.0f / temperature;
  uint4 outputs[VECTORS], gradients[VECTORS];
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = held.first + j * THREADS;
    if (vector < held.end) {
      outputs[j] = at.template load<true>(y + start, vector, true);
      gradients[j] = at.template load<true>(dy + start, vector, dyAligned);
    }
  }
  float sum[1] = {0.0f};
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = held.first + j * THREADS;
    if (vector < held.end) sum[0] += partOfSum<T, LOG>(at, vector, outputs[j], gradients[j]);
  }
  Group::awaitEntry();
  Group::reduce(sum, false, Sum(), sumParts);
#pragma unroll
  for (int j = 0; j < VECTORS; ++j) {
    const int vector = held.first + j * THREADS;
    if (vector >= held.end) break;
    saveGradient<T, LOG>(
        at, dx + start, vector, dxAligned, outputs[j], gradients[j], sum[0], inverseT);
  }
}

template <typename T, bool LOG, int THREADS>
__device__ __forceinline__ void backwardOfStreamedRow(
    const T* dy, const T* y, T* dx, float temperature, int classes) {
  using Group = RowGroup<THREADS, 1>;
  __shared__ typename Group::template Parts<1> sumParts;
  const size_t start = (size_t)Group::row() * classes;
  const WideRow<T> at(y + start, classes);
  const bool dyAligned = at.isAlignedWith(dy + start);
  const bool dxAligned = at.isAlignedWith(dx + start);
  const float inverseT = 1.0f / temperature;
  float sum[1] = {0.0f};
  for (int vector = threadIdx.x; vector < at.vectors(); vector += THREADS) {
    sum[0] += partOfSum<T, LOG>(at, vector, at.template load<false>(y + start, vector, true),
                                at.template load<false>(dy + start, vector, dyAligned));
  }
  Group::reduce(sum, false, Sum(), sumParts);
  const int steps = (at.vectors() + THREADS - 1) / THREADS;
  for (int step = steps - 1; step >= 0; --step) {
    const int vector = step * THREADS + threadIdx.x;
    if (vector >= at.vectors()) continue;
    saveGradient<T, LOG>(at, dx + start, vector, dxAligned,
                         at.template load<true>(y + start, vector, true),
                         at.template load<true>(dy + start, vector, dyAligned), sum[0], inverseT);
  }
}

// Pointers are not __restrict__: outputs may lie over inputs.
#define FORWARD_KERNEL(SYMBOL, ATTRIBUTES, BODY, T)                                    \
  extern "C" __global__ void ATTRIBUTES SYMBOL(                                        \
      const T* x, T* y, float temperature, int rows, int classes) {                    \
    BODY(x, y, temperature, classes);                                                  \
  }
#define BACKWARD_KERNEL(SYMBOL, ATTRIBUTES, BODY, T)                                   \
  extern "C" __global__ void ATTRIBUTES SYMBOL(                                        \
      const T* dy, const T* y, T* dx, float temperature, int rows, int classes) {      \
    BODY(dy, y, dx, temperature, classes);                                             \
  }
#define SOFTMAX_KERNELS(SUFFIX, ATTRIBUTES, T, KIND, ...)                              \
  FORWARD_KERNEL(temperature_softmax_##SUFFIX##_v1, ATTRIBUTES,                        \
                 (forwardOf##KIND<T, false, __VA_ARGS__>), T)                          \
  FORWARD_KERNEL(temperature_log_softmax_##SUFFIX##_v1, ATTRIBUTES,                    \
                 (forwardOf##KIND<T, true, __VA_ARGS__>), T)                           \
  BACKWARD_KERNEL(temperature_softmax_backward_##SUFFIX##_v1, ATTRIBUTES,              \
                  (backwardOf##KIND<T, false, __VA_ARGS__>), T)                        \
  BACKWARD_KERNEL(temperature_log_softmax_backward_##SUFFIX##_v1, ATTRIBUTES,          \
                  (backwardOf##KIND<T, true, __VA_ARGS__>), T)
#define BLOCK_KERNELS(DTYPE, T)                                                        \
  SOFTMAX_KERNELS(c4096_fused_##DTYPE, __launch_bounds__(256, 4), T, HeldRow, 256, 1)  \
  SOFTMAX_KERNELS(c16384_fused_##DTYPE, __launch_bounds__(1024, 1), T, HeldRow, 1024, 1) \
  SOFTMAX_KERNELS(streamed_fused_##DTYPE, __launch_bounds__(512, 2), T, StreamedRow, 512)
#define CLUSTER_KERNELS(DTYPE, T)                                                      \
  SOFTMAX_KERNELS(c131072_fused_##DTYPE, __cluster_dims__(8) __launch_bounds__(1024, 1), T, \
                  HeldRow, 1024, 8)                                                    \
  SOFTMAX_KERNELS(c262144_fused_##DTYPE, __cluster_dims__(16) __launch_bounds__(1024, 1), T, \
                  HeldRow, 1024, 16)

// float32 is built once, for compute_75; bfloat16 needs compute_80, clusters compute_90.
#if __CUDA_ARCH__ < 800
BLOCK_KERNELS(f32, float)
#elif __CUDA_ARCH__ < 900
BLOCK_KERNELS(bf16, __nv_bfloat16)
#else
CLUSTER_KERNELS(f32, float)
CLUSTER_KERNELS(bf16, __nv_bfloat16)
#endif
