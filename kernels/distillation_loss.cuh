// The arguments of every fused kernel of the distillation loss; distillation_loss_fused.cu says what they are.
#pragma once
#include "state.cuh"

// Of logits of type T.
template <typename T>
struct DistillationLoss {
  // Neither is __restrict__: dz may be z, and what is read as v may be z too, without a teacher.
  const T* z;
  const T* v;
  const int* __restrict__ labels;
  const int* __restrict__ labelledRows;
  float* __restrict__ distillation;
  float* __restrict__ crossEntropy;
  int* __restrict__ outcome;
  T* dz;  // null in the forward-only kernels
  float temperature;
  float alpha;
  int rows;
  int classes;
};

#define LOSS_INPUTS(T)                                                        \
  const T *z, const T *v, const int *__restrict__ labels,                     \
      const int *__restrict__ labelledRows, float *__restrict__ distillation, \
      float *__restrict__ crossEntropy, int *__restrict__ outcome
#define LOSS_KERNEL(SYMBOL, T, ATTRIBUTES, BODY)                                            \
  extern "C" __global__ void ATTRIBUTES distillation_loss_##SYMBOL(                         \
      LOSS_INPUTS(T), T* dz, float temperature, float alpha, int rows, int classes) {       \
    BODY({z, v, labels, labelledRows, distillation, crossEntropy, outcome, dz, temperature, \
          alpha, rows, classes});                                                           \
  }
