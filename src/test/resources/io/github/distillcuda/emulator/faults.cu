// Kernels with one mistake each. SeededFaultTest launches every one and wants the emulator to name
// the mistake and a line that ends with "// fault": of a race, either of the two. Launched with
// one or two blocks of 64 threads; x and y hold n = 64 floats, x initialised, y not.

// ---- memory ----

extern "C" __global__ void writes_behind_the_end(float* y, const float* x, int n) {
  int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t <= n) y[t] = 1;  // fault
}

extern "C" __global__ void reads_before_the_start(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t] = x[t - 1];  // fault
}

extern "C" __global__ void misaligned_vector(float* y, const float* x, int n) {
  float* p = y + 4 * (threadIdx.x & 7) + 1;
  *reinterpret_cast<float4*>(p) = make_float4(1, 2, 3, 4);  // fault
}

extern "C" __global__ void follows_a_wild_pointer(float* y, const float* x, int n) {
  float* p = reinterpret_cast<float*>(0x1230L + n);
  y[threadIdx.x] = *p;  // fault
}

extern "C" __global__ void reads_unwritten_global(float* y, const float* x, int n) {
  int t = threadIdx.x;
  if (t < 32) y[t] = x[t];
  __syncthreads();
  if (t == 0) y[0] = y[40];  // fault
}

extern "C" __global__ void reads_unwritten_shared(float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  if (t & 1) s[t] = x[t];
  __syncthreads();
  y[t] = s[t];  // fault
}

extern "C" __global__ void reads_unwritten_local(float* y, const float* x, int n) {
  float a[8];
  int t = threadIdx.x;
  for (int i = 0; i < n / 16; i++) a[i] = x[t + i & 63];  // n = 64: a[4] to a[7] stay unwritten
  y[t] = a[t & 7];  // fault
}

extern "C" __global__ void overruns_a_shared_array(float* y, const float* x, int n) {
  __shared__ float first[32];
  __shared__ float second[64];
  int t = threadIdx.x;
  second[t] = x[t];
  first[t] = x[t];  // fault
  __syncthreads();
  y[t] = first[t & 31] + second[t];
}

extern "C" __global__ void reads_its_own_bytes_back(float* y, const float* x, int n) {
  unsigned char* bytes = reinterpret_cast<unsigned char*>(y);
  int t = threadIdx.x;
  bytes[4 * t] = 1;
  y[t] = y[t] + 1;  // fault
}

extern "C" __global__ void writes_what_it_reads_as_read_only(float* y, float* x, int n) {
  int t = threadIdx.x;
  y[t] = 0;
  x[t] = 2 * __ldg(x + t);  // fault
}

extern "C" __global__ void reads_as_read_only_what_it_wrote(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t] = x[t];
  y[t] = 2 * __ldg(y + t);  // fault
}

// ---- races ----

extern "C" __global__ void exchanges_without_a_barrier(float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  y[t] = s[t ^ 1];  // fault
}

extern "C" __global__ void exchanges_between_warps_without_a_barrier(
    float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  if (t >= 32) y[t] = s[t - 32];  // fault
}

extern "C" __global__ void overwrites_what_others_read(float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  float mirrored = s[63 - t];  // fault
  s[t] = mirrored;  // fault
  __syncthreads();
  y[t] = s[t];
}

extern "C" __global__ void adds_into_a_shared_place(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t / 2] = x[t];  // fault
}

extern "C" __global__ void blocks_write_the_same_value(float* y, const float* x, int n) {
  if (threadIdx.x == 0) y[0] = 1;  // fault
}

extern "C" __global__ void reads_what_another_block_writes(float* y, const float* x, int n) {
  if (threadIdx.x == 0) {
    y[blockIdx.x] = 1;
    if (blockIdx.x > 0) y[10 + blockIdx.x] = y[blockIdx.x - 1];  // fault
  }
}

extern "C" __global__ void mixes_atomic_and_plain(float* y, const float* x, int n) {
  __shared__ float sum;
  int t = threadIdx.x;
  if (t == 0) sum = 0;
  __syncthreads();
  atomicAdd(&sum, x[t]);
  if (t == 0) y[0] = sum;  // fault
}

extern "C" __global__ void two_threads_write_one_byte(float* y, const float* x, int n) {
  unsigned char* bytes = reinterpret_cast<unsigned char*>(y);
  int t = threadIdx.x;
  bytes[t % 63] = 1;  // fault
}

extern "C" __global__ void forgets_the_second_barrier(float* y, const float* x, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  float sum = 0;
  for (int i = 0; i < 3; i++) {
    s[t] = x[t] + i;  // fault
    __syncthreads();
    sum += s[63 - t];  // fault
  }
  y[t] = sum;
}

// ---- barriers ----

extern "C" __global__ void barrier_for_some_lanes(float* y, const float* x, int n) {
  int t = threadIdx.x;
  if (t < 40) {
    y[t] = x[t];
    __syncthreads();  // fault
    y[t] += 1;
  }
}

extern "C" __global__ void two_barriers_against_three(float* y, const float* x, int n) {
  int warp = threadIdx.x / 32;
  for (int i = 0; i < 2 + warp; i++) {
    y[threadIdx.x] = i;
    __syncthreads();  // fault
  }
}

extern "C" __global__ void one_warp_leaves_early(float* y, const float* x, int n) {
  int t = threadIdx.x;
  if (t < 32) return;
  y[t] = x[t];
  __syncthreads();  // fault
  y[t] += 1;
}

extern "C" __global__ void warps_at_different_barriers(float* y, const float* x, int n) {
  int t = threadIdx.x;
  if (t < 32) {
    y[t] = x[t];
    asm volatile("bar.sync 0;" ::: "memory");
    y[t] += 1;
  } else {
    y[t] = 2;
    asm volatile("bar.sync 0;" ::: "memory");  // fault
    y[t] += 2;
  }
}

// ---- warp-wide instructions ----

extern "C" __global__ void lanes_leave_before_a_shuffle(float* y, const float* x, int n) {
  int t = threadIdx.x;
  if (t % 32 >= 20) return;
  y[t] = __shfl_down_sync(0xffffffff, x[t], 1);  // fault
}

extern "C" __global__ void mask_omits_the_caller(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t] = __shfl_xor_sync(0x0000ffff, x[t], 1);  // fault
}

extern "C" __global__ void reads_a_lane_that_is_not_a_member(float* y, const float* x, int n) {
  int t = threadIdx.x;
  if (t < 16) y[t] = __shfl_sync(0x0000ffff, x[t], t + 4);  // fault
}

extern "C" __global__ void votes_in_one_branch(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t] = 0;
  if (x[t] > 0) y[t] = __ballot_sync(0xffffffff, x[t] > 1);  // fault
}

extern "C" __global__ void warp_barrier_in_one_branch(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t] = 0;
  if (x[t] > 0) {
    y[t] = 1;
    __syncwarp();  // fault
    y[t] += 1;
  }
}

// ---- the rest ----

extern "C" __global__ void never_ends(float* y, const float* x, int n) {
  volatile float* v = y;
  v[threadIdx.x] = 0;
  while (v[threadIdx.x] >= 0) {  // fault
    v[threadIdx.x] = 1;  // fault
  }
}

extern "C" __global__ void divides_by_zero(float* y, const float* x, int n) {
  int t = threadIdx.x;
  y[t] = n / (t - 5);  // fault
}

extern "C" __global__ void stops_itself(float* y, const float* x, int n) {
  if (threadIdx.x == 7) __trap();  // fault
}
