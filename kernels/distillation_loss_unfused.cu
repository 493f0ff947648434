// The two chains that the fused loss is compared with, a kernel for each of their operations that
// is not a softmax (those are in temperature_softmax.cu).
//
// The operations of PyTorch's eager mode for
//   kl = F.kl_div(F.log_softmax(z/T, 1), F.softmax(v/T, 1), reduction='batchmean') * T**2
//   loss = alpha*kl + (1-alpha)*F.cross_entropy(z, y);  loss.backward()
// in the order in which its dispatcher runs them, scalars in device memory as 1-element tensors:
//   forward  scale, log_softmax, scale, softmax, multiply, xlogx, subtract, sum, scale, scale,
//            scale, log_softmax, nll, scale, add
//   backward fill, scale, nll_backward, log_softmax_backward, scale, scale, scale, negate_expand,
//            multiply, log_softmax_backward, scale, add                               27 operations
//
// One kernel per formula, the chain that a careful author writes without fusing:
//   q = softmax(v/T); log p = log_softmax(z/T); kl_forward; cross_entropy_forward; scale (the
//   gradient of KL in log p is -alpha*T^2*q/N); temperature_log_softmax_backward;
//   cross_entropy_backward; add                                                          8 launches
// Both are lists in Java, LossChains. In a training step row_sums follows, or row_outcome and
// batch_means for the eager chain, as row_sums follows the fused loss.
//
// Shapes : tensors [N, C] row-major or n elements; labels, outcome int32 [N]; per-row results [N];
//          scalars are arrays of one element. n < 2^31.
// Launch : element kernels 256 threads, grid ceil(n/256); row kernels as in temperature_softmax.cu;
//          nll 256 threads, grid 1; sum 256 threads, any grid, then itself with grid 1 over the
//          partial sums, or grid 1 at once.
// Writes : the output once, no atomics. An output may be an input of the same length.
// Special: q = 0 contributes 0 to KL. An unlabelled row contributes nothing to the cross-entropy, a
//          batch without labels 0. Otherwise these are the textbook forms with their textbook
//          errors in float32: 2.4e-4 of the loss at T = 100, 1.5e-2 at T = 1000.
// Ladder : v0. Oracle: float64 in the tests' reference; tolerance by T as above, gradient at
//          T <= 10 as the fused kernels'.
#include "tile.cuh"
#include "unfused_loss.cuh"

#define ELEMENT_KERNEL(SYMBOL, INPUTS, EXPRESSION)                                      \
  extern "C" __global__ void __launch_bounds__(BLOCK) SYMBOL(INPUTS, float* y, int n) { \
    const size_t i = firstElement();                                                    \
    if (i < n) y[i] = EXPRESSION;                                                       \
  }
#define ONE_TENSOR const float* a
#define TWO_TENSORS const float *a, const float *b
#define TENSOR_AND_FACTOR const float *a, float factor

ELEMENT_KERNEL(fill_unfused_f32_v0, float value, value)
ELEMENT_KERNEL(scale_unfused_f32_v0, TENSOR_AND_FACTOR, a[i] * factor)
ELEMENT_KERNEL(add_unfused_f32_v0, TWO_TENSORS, a[i] + b[i])
ELEMENT_KERNEL(subtract_unfused_f32_v0, TWO_TENSORS, a[i] - b[i])
ELEMENT_KERNEL(multiply_unfused_f32_v0, TWO_TENSORS, a[i] * b[i])
ELEMENT_KERNEL(xlogx_unfused_f32_v0, ONE_TENSOR, xlogx(a[i]))
// The gradient of a sum is the same number for every element; a is that one number.
ELEMENT_KERNEL(negate_expand_unfused_f32_v0, ONE_TENSOR, -a[0])

extern "C" __global__ void __launch_bounds__(BLOCK)
    sum_unfused_f32_v0(const float* x, float* partials, int n) {
  float sum = 0.0f;
  for (size_t i = firstElement(); i < n; i += (size_t)gridDim.x * BLOCK) sum += x[i];
  sum = blockSum<BLOCK>(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK) nll_unfused_f32_v0(
    const float* logS, const int* labels, float* loss, int* labelledRows, int rows, int classes) {
  meanNll(logS, labels, loss, labelledRows, rows, classes);
}

// dLogS = -dLoss/labelledRows at the labels, 0 elsewhere.
extern "C" __global__ void __launch_bounds__(BLOCK) nll_backward_unfused_f32_v0(
    const float* dLoss, const int* labels, const int* labelledRows, float* dLogS, int rows,
    int classes) {
  const size_t i = firstElement();
  if (i >= (size_t)rows * classes) return;
  const int c = i % classes;
  dLogS[i] = c == labels[i / classes] ? -*dLoss / *labelledRows : 0.0f;
}

// distillation[n] = T^2 * sum_c q_c*(log q_c - logP_c)
template <int LANES, int PER_LANE>
__device__ __forceinline__ void klForward(
    const float* q, const float* logP, float* distillation, float temperature, int rows,
    int classes) {
  const TileRow at = tileRow<LANES>(rows, classes);
  float target[PER_LANE], input[PER_LANE];
  loadRow<LANES>(q + at.start, at.held, 0.0f, at.lane, classes, target);
  loadRow<LANES>(logP + at.start, at.held, 0.0f, at.lane, classes, input);
  float sum = 0.0f;
  forEachClass<LANES, PER_LANE>(at.lane, classes, [&](int k, int) {
    sum += target[k] == 0.0f ? 0.0f : target[k] * (logf(target[k]) - input[k]);
  });
  sum = tileSum<LANES>(sum);
  if (at.lane == 0 && at.held > 0) distillation[at.row] = temperature * temperature * sum;
}

// crossEntropy[n] = logSumExp[n] - z[n, labels[n]], 0 for a row without a label. The backward pass
// needs logSumExp only. The outcome is that of state.cuh.
template <int LANES, int PER_LANE>
__device__ __forceinline__ void crossEntropyForward(
    const float* z, const int* labels, float* crossEntropy, float* logSumExp, int* outcome,
    int rows, int classes) {
  const TileRow at = tileRow<LANES>(rows, classes);
  float logits[PER_LANE], e[PER_LANE];
  const float probe = loadRow<LANES>(z + at.start, at.held, -INFINITY, at.lane, classes, logits);
  const Top top = rowTop<LANES>(at.lane, classes, logits);
  const float sum = shiftedExponentials<LANES>(at.lane, classes, logits, top, 1.0f, e);
  const bool notFinite = tileAny<LANES>(probe != 0.0f);
  if (at.lane != 0 || at.held == 0) return;
  const int label = labels[at.row];
  const float total = top.value + log1pf(sum);
  logSumExp[at.row] = total;
  crossEntropy[at.row] = isClass(label, classes) ? total - z[at.start + label] : 0.0f;
  outcome[at.row] = rowOutcome(label, classes, top.index, notFinite);
}

// dz = (1-alpha)*(exp(z - logSumExp) - onehot(label))/labelledRows, 0 in a row without a label.
extern "C" __global__ void __launch_bounds__(BLOCK) cross_entropy_backward_unfused_f32_v0(
    const float* z, const float* logSumExp, const int* labels, const int* labelledRows, float* dz,
    float alpha, int rows, int classes) {
  const size_t i = firstElement();
  if (i >= (size_t)rows * classes) return;
  const int row = i / classes;
  const int c = i % classes;
  const float scale = (1.0f - alpha) / *labelledRows;
  dz[i] = isClass(labels[row], classes)
              ? scale * (expf(z[i] - logSumExp[row]) - (c == labels[row] ? 1.0f : 0.0f))
              : 0.0f;
}

// What the eager chain lacks for the epoch's counts; PyTorch's user runs an argmax and compares.
template <int LANES, int PER_LANE>
__device__ __forceinline__ void outcomeOfRows(
    const float* z, const int* labels, int* outcome, int rows, int classes) {
  const TileRow at = tileRow<LANES>(rows, classes);
  float logits[PER_LANE];
  const float probe = loadRow<LANES>(z + at.start, at.held, -INFINITY, at.lane, classes, logits);
  const Top top = rowTop<LANES>(at.lane, classes, logits);
  const bool notFinite = tileAny<LANES>(probe != 0.0f);
  if (at.lane == 0 && at.held > 0) {
    outcome[at.row] = rowOutcome(labels[at.row], classes, top.index, notFinite);
  }
}

#define ROW_KERNELS(C, LANES, PER_LANE)                                                            \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK) kl_forward_##C##_unfused_f32_v0(         \
      const float* q, const float* logP, float* distillation, float temperature, int rows,         \
      int classes) {                                                                               \
    klForward<LANES, PER_LANE>(q, logP, distillation, temperature, rows, classes);                 \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK)                                          \
      cross_entropy_forward_##C##_unfused_f32_v0(                                                  \
          const float* z, const int* labels, float* crossEntropy, float* logSumExp, int* outcome,  \
          int rows, int classes) {                                                                 \
    crossEntropyForward<LANES, PER_LANE>(                                                          \
        z, labels, crossEntropy, logSumExp, outcome, rows, classes);                               \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(ROW_BLOCK) row_outcome_##C##_unfused_f32_v0(        \
      const float* z, const int* labels, int* outcome, int rows, int classes) {                    \
    outcomeOfRows<LANES, PER_LANE>(z, labels, outcome, rows, classes);                             \
  }

ROW_KERNELS(c32, 4, 8)
ROW_KERNELS(c128, 8, 16)
ROW_KERNELS(c1024, 32, 32)
