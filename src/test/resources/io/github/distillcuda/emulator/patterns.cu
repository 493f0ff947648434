// Kernels with known numbers of sectors, bank conflicts, branches and bytes: MetricsTest says them.
// One block of 32 threads, x and y hold 1024 floats.

extern "C" __global__ void coalesced(float* y, const float* x) { y[threadIdx.x] = x[threadIdx.x]; }

extern "C" __global__ void shifted_by_one(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x + 1];
}

extern "C" __global__ void strided(float* y, const float* x) {
  y[threadIdx.x] = x[32 * threadIdx.x];
}

extern "C" __global__ void broadcast(float* y, const float* x) { y[threadIdx.x] = x[5]; }

extern "C" __global__ void vectors(float4* y, const float4* x) { y[threadIdx.x] = x[threadIdx.x]; }

extern "C" __global__ void bytes_of_a_warp(unsigned char* y, const unsigned char* x) {
  y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void reads_twice_and_writes_in_place(float* y, const float* x) {
  int t = threadIdx.x;
  volatile const float* in = x;  // volatile: keeps nvcc from loading once
  volatile float* out = y;
  out[t] = in[t] + in[t];
  out[t] = out[t] + 1;
}

extern "C" __global__ void branches_once(float* y, const float* x) {
  int t = threadIdx.x;
  volatile float* v = y;
  if (t & 1) v[t] = 1;
  if (t < 32) v[t + 32] = 1;  // all of them: no divergence
}

extern "C" __global__ void three_barriers(float* y, const float* x) {
  for (int i = 0; i < 3; i++) {
    y[threadIdx.x] = i;
    __syncthreads();
  }
}

// Shared memory. The loads are what is measured; every thread writes what it will read.
template <typename T, int kStride, int kLanesPerWord>
__device__ void walk(float* y, const float* x) {
  __shared__ T s[33 * 32];
  int place = threadIdx.x / kLanesPerWord * kStride;
  if (threadIdx.x % kLanesPerWord == 0) {
    T value = {};
    s[place] = value;
  }
  __syncwarp();
  y[threadIdx.x] = *reinterpret_cast<float*>(&s[place]);
}

extern "C" __global__ void row_walk(float* y, const float* x) { walk<float, 1, 1>(y, x); }
extern "C" __global__ void column_walk(float* y, const float* x) { walk<float, 32, 1>(y, x); }
extern "C" __global__ void padded_column_walk(float* y, const float* x) { walk<float, 33, 1>(y, x); }
extern "C" __global__ void every_other_word(float* y, const float* x) { walk<float, 2, 1>(y, x); }
extern "C" __global__ void pairs_share_a_word(float* y, const float* x) { walk<float, 32, 2>(y, x); }

extern "C" __global__ void vector_rows(float4* y, const float4* x) {
  __shared__ float4 s[32];
  s[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  y[threadIdx.x] = s[threadIdx.x];
}

extern "C" __global__ void exponentials(float* y, const float* x) {
  y[threadIdx.x] = __expf(x[threadIdx.x]) + expf(x[threadIdx.x]);
}
