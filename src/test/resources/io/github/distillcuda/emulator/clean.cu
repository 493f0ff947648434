// Correct kernels that a careless checker would complain about. CleanKernelTest launches each with
// two blocks of 64 threads and wants no fault, and the right numbers.

extern "C" __global__ void exchanges_with_a_barrier(float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  float sum = 0;
  for (int i = 0; i < 3; i++) {
    s[t] = x[t] + i;
    __syncthreads();
    sum += s[63 - t];
    __syncthreads();
  }
  y[blockIdx.x * 64 + t] = sum;
}

extern "C" __global__ void exchanges_with_a_warp_barrier(float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncwarp();
  float swapped = s[t ^ 1];
  __syncwarp();
  s[t] = swapped;
  y[blockIdx.x * 64 + t] = s[t];
}

extern "C" __global__ void exchanges_through_global_memory(float* y, const float* x, int n) {
  int t = threadIdx.x;
  float* mine = y + blockIdx.x * 64;
  mine[t] = x[t];
  __syncthreads();
  float mirrored = mine[63 - t];
  __syncthreads();
  mine[t] = mirrored;
}

extern "C" __global__ void neighbouring_bytes(float* y, const float* x, int n) {
  unsigned char* bytes = reinterpret_cast<unsigned char*>(y);
  int i = blockIdx.x * 64 + threadIdx.x;
  for (int k = 0; k < 4; k++) bytes[i + k * 128] = 0;  // each float from four threads' bytes
}

extern "C" __global__ void counts_atomically(float* y, const float* x, int n) {
  __shared__ int count;
  int t = threadIdx.x;
  if (t == 0) count = 0;
  __syncthreads();
  if (x[t] > 0) atomicAdd(&count, 1);
  __syncthreads();
  y[blockIdx.x * 64 + t] = count;
}

extern "C" __global__ void half_warps_shuffle_apart(float* y, const float* x, int n) {
  int t = threadIdx.x;
  unsigned half = t & 16 ? 0xffff0000u : 0x0000ffffu;
  float sum = x[t];
  for (int distance = 8; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(half, sum, distance, 16);
  }
  y[blockIdx.x * 64 + t] = sum;
}

extern "C" __global__ void everybody_reads_one_word(float* y, const float* x, int n) {
  __shared__ float s;
  int t = threadIdx.x;
  if (t == 0) s = x[0];
  __syncthreads();
  float mine = s;
  __syncthreads();
  if (t == 63) s = 2;
  __syncthreads();
  y[blockIdx.x * 64 + t] = mine + s;
}

// The pointer may be to shared, global or local memory: ld without a space.
extern "C" __global__ void generic_addresses(float* y, const float* x, int n) {
  __shared__ float s[64];
  float a[4];
  int t = threadIdx.x;
  s[t] = x[t];
  for (int i = 0; i < 4; i++) a[i] = x[(t + i) % 64];
  const float* p = t % 3 == 0 ? s + t : t % 3 == 1 ? x + t : a;
  const volatile float* v = p;
  y[blockIdx.x * 64 + t] = *v;
}
