// What a step leaves in its state: sums of the loss terms, counts, the finite check, the cursor;
// and the table of logits by image id.
//
// Every sum has one fixed order: thread t of one block adds rows t, t + 256, ... in float64, then
// the block adds its threads in a tree. No float atomics, so a run repeats bitwise.
// Layout of the state: state.cuh. One block a kernel unless the kernel says otherwise.
#include "block_sum.cuh"
#include "elements.cuh"
#include "state.cuh"

constexpr int LABELS_PER_THREAD = 8;

// labelledRows = #{n : labels[n] is a class}, what gather.cu also writes; for losses without it.
// Each block atomically adds 2^32 + its count to progress. The block whose add brings the upper half to
// gridDim.x holds the total, so no fence is needed. Counts are integers, so block order does not matter.
// Shapes : labels int32 [N], labelledRows one int32, progress one uint64, which is 0 before and after.
// Launch : 256 threads, grid ceil(N/2048): 8 labels a thread.
// Traffic: 4*N + 4 bytes, 16 a block beside them.      Ladder: v2; one block of 256 threads alone (v1)
// waits for memory once for every 1,024 labels.      Oracle: bitwise.
extern "C" __global__ void __launch_bounds__(BLOCK) count_labelled_fused_s32_v2(
    const int* __restrict__ labels, int* __restrict__ labelledRows,
    unsigned long long* __restrict__ progress, int rows, int classes) {
  const size_t first = (size_t)blockIdx.x * (LABELS_PER_THREAD * BLOCK) + threadIdx.x;
  int count = 0;
#pragma unroll
  for (int i = 0; i < LABELS_PER_THREAD; ++i) {
    const size_t row = first + i * BLOCK;
    if (row < rows) count += isClass(labels[row], classes);
  }
  count = blockSum<BLOCK>(count);
  if (threadIdx.x != 0) return;
  if (gridDim.x == 1) {
    *labelledRows = count;
    return;
  }
  const unsigned long long mine = (1ull << 32) + count;
  const unsigned long long all = atomicAdd(progress, mine) + mine;
  if (all >> 32 == gridDim.x) {
    *labelledRows = static_cast<int>(all);
    atomicExch(progress, 0ull);
  }
}

struct BatchSums {
  double distillation = 0;
  double crossEntropy = 0;
  int labelled = 0;
  int correct = 0;
  int notFinite = 0;
  int badLabels = 0;

  __device__ void addOutcome(int outcome) {
    labelled += (outcome & ROW_LABELLED) != 0;
    correct += (outcome & ROW_CORRECT) != 0;
    notFinite += (outcome & ROW_NOT_FINITE) != 0;
    badLabels += (outcome & ROW_BAD_LABEL) != 0;
  }

  __device__ BatchSums& operator+=(const BatchSums& other) {
    distillation += other.distillation;
    crossEntropy += other.crossEntropy;
    labelled += other.labelled;
    correct += other.correct;
    notFinite += other.notFinite;
    badLabels += other.badLabels;
    return *this;
  }
};

// The loss of the step times its rows is alpha*sum(distillation) + (1-alpha)*N*mean(crossEntropy).
__device__ __forceinline__ void addToEpoch(
    const BatchSums& batch, float alpha, int rows, StepState* state) {
  const double meanCrossEntropy = batch.labelled > 0 ? batch.crossEntropy / batch.labelled : 0.0;
  const double loss = alpha * batch.distillation + (1.0 - alpha) * rows * meanCrossEntropy;
  state->distillationSum += batch.distillation;
  state->crossEntropySum += batch.crossEntropy;
  state->lossSum += loss;
  state->labelledRows += batch.labelled;
  state->correct += batch.correct;
  state->badLabels += batch.badLabels;
  // Finite logits can still give an infinite loss term, as with a probability that underflows.
  if (batch.notFinite > 0 || !(fabs(loss) < INFINITY)) markNotFinite(state);
}

// Adds the rows of the fused loss, or of the chain of formulas, to the sums of the epoch.
// Shapes : distillation, crossEntropy [N], outcome int32 [N].      Launch: 256 threads, grid 1.
// Writes : state; must have ended before adam.cu and advance read it.
// Traffic: 12*N + 144 bytes.      Ladder: v1.
// Oracle : counts bitwise; sums as float64 in any order, 1e-12 relative.
extern "C" __global__ void __launch_bounds__(BLOCK) row_sums_fused_f32_v1(
    const float* distillation, const float* crossEntropy, const int* outcome, StepState* state,
    float alpha, int rows) {
  BatchSums sums;
  for (int row = threadIdx.x; row < rows; row += BLOCK) {
    sums.distillation += distillation[row];
    sums.crossEntropy += crossEntropy[row];
    sums.addOutcome(outcome[row]);
  }
  sums = blockSum<BLOCK>(sums);
  if (threadIdx.x == 0) addToEpoch(sums, alpha, rows, state);
}

// The same for the eager chain, which leaves the means of both terms: a mean times its rows.
// Shapes : distillationMean, crossEntropyMean one float32, outcome int32 [N].
// Launch : 256 threads, grid 1.      Traffic: 4*N + 152 bytes.      Ladder: v0.
// Oracle : as above, 1e-6 relative.
extern "C" __global__ void __launch_bounds__(BLOCK) batch_means_unfused_f32_v0(
    const float* distillationMean, const float* crossEntropyMean, const int* outcome,
    StepState* state, float alpha, int rows) {
  BatchSums sums;
  for (int row = threadIdx.x; row < rows; row += BLOCK) sums.addOutcome(outcome[row]);
  sums = blockSum<BLOCK>(sums);
  if (threadIdx.x != 0) return;
  sums.distillation = (double)*distillationMean * rows;
  sums.crossEntropy = (double)*crossEntropyMean * sums.labelled;
  addToEpoch(sums, alpha, rows, state);
}

// Marks the step if an element of either array is not finite: the arenas of gradients and of
// parameters, before Adam writes.
// Shapes : a, b [n], on 16-byte boundaries, n a multiple of 4.
// Launch : 256 threads, grid ceil(n/1024): 4 elements of each array a thread.
// Writes : state, only where something is not finite.      Traffic: 8*n bytes.      Ladder: v1.
// Oracle : bitwise.
extern "C" __global__ void __launch_bounds__(BLOCK) finite_check_fused_f32_v1(
    const float* __restrict__ a, const float* __restrict__ b, StepState* state, int n) {
  const size_t first = firstElement<4>();
  float probe = 0.0f;  // 0*x is 0, or NaN where x is NaN or infinite
  if (first < n) {
    const float4 x = *reinterpret_cast<const float4*>(a + first);
    const float4 y = *reinterpret_cast<const float4*>(b + first);
    probe = 0.0f * x.x + 0.0f * x.y + 0.0f * x.z + 0.0f * x.w + 0.0f * y.x + 0.0f * y.y +
            0.0f * y.z + 0.0f * y.w;
  }
  if (probe != 0.0f) markNotFinite(state);
}

// Moves the cursor on by the rows of the step, and the optimizer's step by optimizerSteps (1 in a
// training step, 0 in an evaluation) unless a step met something that is not finite: from then on
// Adam takes no step either. The last kernel of a step.
// Launch : 1 thread.      Writes: state.      Traffic: 32 bytes.
// Ladder : v1.      Oracle: bitwise.
extern "C" __global__ void advance_fused_s32_v1(StepState* state, int rows, int optimizerSteps) {
  state->cursor += rows;
  if (state->firstNonFiniteStep == 0) state->optimizerStep += optimizerSteps;
}

// table[ids[n]] = logits[n]
// Shapes : logits [N, C], ids int32 [N] without repetition, table [M, C].
// Launch : 256 threads, grid ceil(N*C/256).      Writes: N rows of the table, once.
// Traffic: 8*N*C + 4*N bytes.      Ladder: v1.      Oracle: bitwise.
extern "C" __global__ void __launch_bounds__(BLOCK) store_logits_fused_f32_v1(
    const float* __restrict__ logits, const int* __restrict__ ids, float* __restrict__ table,
    int rows, int classes) {
  const size_t i = firstElement();
  if (i >= (size_t)rows * classes) return;
  const int row = i / classes;
  table[(size_t)ids[row] * classes + (i - (size_t)row * classes)] = logits[i];
}
