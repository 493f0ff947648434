// One step of Adam (Kingma and Ba 2015, algorithm 1) over the flat arenas, as PyTorch computes it.
//   m = m + (1-beta1)*(g - m)      v = beta2*v + (1-beta2)*g*g      t = state.optimizerStep + 1
//   p = p - lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + epsilon)
// Shapes : parameters p, gradients g, firstMoments m, secondMoments v float32 [n]; for v2 on
//          16-byte boundaries and n a multiple of 4, padded with zeros, which Adam leaves 0.
// Launch : 256 threads; v1 grid ceil(n/256), an element a thread; v2 grid ceil(n/1024), 4 elements.
// Writes : p, m, v in place, each element by the thread that read it; nothing at all once
//          state.firstNonFiniteStep is set. No arena may overlap another. advance counts the step.
// Traffic: 28*n bytes. At 545,098 parameters that is 15 MB, which an L2 of 50 MB keeps.
// Numbers: 1-beta, beta^t and the corrections in float64 from the constants and t, then rounded to
//          float32; beta^t by squaring, to 1e-12 relative at a million steps. Otherwise float32 in
//          PyTorch's order of operations.
// Ladder : v1 corrections computed by every thread, v2 by one thread a block, 16 bytes a load.
// Oracle : float64 in the tests' reference. Tolerance on p: 2 ulp(p) + 1e-5*lr.
#include "elements.cuh"
#include "state.cuh"

struct AdamFactors {
  float beta2;
  float oneMinusBeta1;
  float oneMinusBeta2;
  float stepSize;         // lr/(1-beta1^t)
  float rootCorrection2;  // sqrt(1-beta2^t)
  float epsilon;
};

__device__ __forceinline__ double power(double base, long long exponent) {
  double result = 1.0;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

__device__ __forceinline__ AdamFactors adamFactors(
    const StepState* state, double learningRate, double beta1, double beta2, double epsilon) {
  const long long step = state->optimizerStep + 1;
  AdamFactors factors;
  factors.beta2 = (float)beta2;
  factors.oneMinusBeta1 = (float)(1.0 - beta1);
  factors.oneMinusBeta2 = (float)(1.0 - beta2);
  factors.stepSize = (float)(learningRate / (1.0 - power(beta1, step)));
  factors.rootCorrection2 = (float)sqrt(1.0 - power(beta2, step));
  factors.epsilon = (float)epsilon;
  return factors;
}

__device__ __forceinline__ void adamElement(
    const AdamFactors& factors, float& p, float g, float& m, float& v) {
  m = m + factors.oneMinusBeta1 * (g - m);
  v = v * factors.beta2 + factors.oneMinusBeta2 * g * g;
  const float denominator = sqrtf(v) / factors.rootCorrection2 + factors.epsilon;
  p = p - factors.stepSize * m / denominator;
}

extern "C" __global__ void __launch_bounds__(BLOCK) adam_fused_f32_v1(
    float* __restrict__ parameters, const float* __restrict__ gradients,
    float* __restrict__ firstMoments, float* __restrict__ secondMoments, const StepState* state,
    double learningRate, double beta1, double beta2, double epsilon, int n) {
  if (state->firstNonFiniteStep != 0) return;
  const AdamFactors factors = adamFactors(state, learningRate, beta1, beta2, epsilon);
  const size_t i = firstElement();
  if (i < n) {
    adamElement(factors, parameters[i], gradients[i], firstMoments[i], secondMoments[i]);
  }
}

extern "C" __global__ void __launch_bounds__(BLOCK) adam_fused_f32_v2(
    float* __restrict__ parameters, const float* __restrict__ gradients,
    float* __restrict__ firstMoments, float* __restrict__ secondMoments, const StepState* state,
    double learningRate, double beta1, double beta2, double epsilon, int n) {
  if (state->firstNonFiniteStep != 0) return;
  // float64 is slow on most GPUs: one thread computes what all use.
  __shared__ AdamFactors factors;
  if (threadIdx.x == 0) factors = adamFactors(state, learningRate, beta1, beta2, epsilon);
  __syncthreads();

  const size_t first = firstElement<4>();
  if (first >= n) return;
  float4 p = *reinterpret_cast<float4*>(parameters + first);
  const float4 g = *reinterpret_cast<const float4*>(gradients + first);
  float4 m = *reinterpret_cast<float4*>(firstMoments + first);
  float4 v = *reinterpret_cast<float4*>(secondMoments + first);
  adamElement(factors, p.x, g.x, m.x, v.x);
  adamElement(factors, p.y, g.y, m.y, v.y);
  adamElement(factors, p.z, g.z, m.z, v.z);
  adamElement(factors, p.w, g.w, m.w, v.w);
  *reinterpret_cast<float4*>(parameters + first) = p;
  *reinterpret_cast<float4*>(firstMoments + first) = m;
  *reinterpret_cast<float4*>(secondMoments + first) = v;
}
