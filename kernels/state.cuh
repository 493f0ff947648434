// What changes from step to step of a recorded program, in device memory, and what the loss says
// of a row. The Java side of this layout is StateLayout; backend/StepProgress says what each means.
#pragma once
#include <cstddef>

struct StepState {
  long long optimizerStep;          // steps taken since the training began
  long long firstNonFiniteStep;     // sticky: 0, or the first step that met a NaN or an infinity
  double distillationSum;           // of T^2*KL over the rows of the epoch
  double crossEntropySum;           // over the labelled rows of the epoch
  double lossSum;                   // of each step's loss times its rows
  long long labelledRows;           // of the epoch
  long long correct;                // labelled rows of the epoch whose first largest logit is the label's
  int cursor;                       // images of the epoch that are done
  int batchLabelledRows;            // of the present batch: what its mean cross-entropy divides by
  int badLabels;                    // sticky: rows so far whose label is no class and not -100
  int unused;
};
static_assert(sizeof(StepState) == 72 && offsetof(StepState, cursor) == 56, "StateLayout.java");

constexpr int NO_LABEL = -100;  // PyTorch's ignore_index

// Bits of a row's outcome.
constexpr int ROW_LABELLED = 1;
constexpr int ROW_CORRECT = 2;
constexpr int ROW_NOT_FINITE = 4;  // a logit that was read is NaN or infinite
constexpr int ROW_BAD_LABEL = 8;   // neither a class nor -100: the row counts as unlabelled

__device__ __forceinline__ bool isClass(int label, int classes) {
  return 0 <= label && label < classes;
}

// What the loss says of a row. A row whose label is neither a class nor NO_LABEL counts as
// unlabelled; the host stops on the bit, and nothing was read or written out of bounds until then.
__device__ __forceinline__ int rowOutcome(int label, int classes, int argmax, bool notFinite) {
  const bool labelled = isClass(label, classes);
  return (labelled ? ROW_LABELLED : 0) | (labelled && argmax == label ? ROW_CORRECT : 0) |
         (notFinite ? ROW_NOT_FINITE : 0) | (labelled || label == NO_LABEL ? 0 : ROW_BAD_LABEL);
}

// Remembers that the present step met a value that is not finite, unless an earlier one did.
// Atomic because several threads, and kernels on parallel branches, may find one at once; they
// all write the same number, so the result does not depend on who is first.
__device__ __forceinline__ void markNotFinite(StepState* state) {
  atomicCAS(reinterpret_cast<unsigned long long*>(&state->firstNonFiniteStep), 0ull,
            static_cast<unsigned long long>(state->optimizerStep + 1));
}
