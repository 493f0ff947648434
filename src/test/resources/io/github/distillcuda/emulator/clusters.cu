// Kernels of clusters of two blocks of 64 threads. The first is right; each other has one mistake, which
// ClusterTest wants the emulator to name, with a line that ends with "// fault". y holds 128 floats, x
// 128 initialised ones. compute_90.

__device__ __forceinline__ unsigned rank() {
  unsigned r;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
  return r;
}

__device__ __forceinline__ unsigned inBlock(const float* place, unsigned block) {
  unsigned there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;"
      : "=r"(there)
      : "r"((unsigned)__cvta_generic_to_shared(place)), "r"(block));
  return there;
}

__device__ __forceinline__ void put(float* place, unsigned block, float value) {
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(inBlock(place, block)), "f"(value) : "memory");
}

__device__ __forceinline__ float get(const float* place, unsigned block) {
  float value;
  asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(value) : "r"(inBlock(place, block)) : "memory");
  return value;
}

__device__ __forceinline__ void arrive() { asm volatile("barrier.cluster.arrive.release;" ::: "memory"); }
__device__ __forceinline__ void wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }

#define CLUSTER_KERNEL extern "C" __global__ void __cluster_dims__(2) __launch_bounds__(64)

// Every thread pushes a number to its twin and pulls what the twin kept.
CLUSTER_KERNEL exchanges(float* y, const float* x) {
  __shared__ float pushed[64];
  __shared__ float kept[64];
  const unsigned t = threadIdx.x;
  const float mine = x[blockIdx.x * 64 + t];
  arrive();
  kept[t] = 10 * mine;
  wait();
  put(&pushed[t], 1 - rank(), mine);
  arrive();
  wait();
  y[blockIdx.x * 64 + t] = pushed[63 - t] + get(&kept[t], 1 - rank());
  arrive();
  wait();
}

CLUSTER_KERNEL reads_without_waiting(float* y, const float* x) {
  __shared__ float pushed[64];
  arrive();
  wait();
  put(&pushed[threadIdx.x], 1 - rank(), x[threadIdx.x]);
  arrive();
  y[blockIdx.x * 64 + threadIdx.x] = pushed[threadIdx.x];  // fault
  wait();
}

CLUSTER_KERNEL writes_before_the_other_runs(float* y, const float* x) {
  __shared__ float pushed[64];
  put(&pushed[threadIdx.x], 1 - rank(), x[threadIdx.x]);  // fault
  arrive();
  wait();
  y[blockIdx.x * 64 + threadIdx.x] = pushed[threadIdx.x];
}

CLUSTER_KERNEL writes_after_the_other_left(float* y, const float* x) {
  __shared__ float pushed[64];
  arrive();
  wait();
  if (rank() == 0) return;
  arrive();
  wait();
  put(&pushed[threadIdx.x], 0, x[threadIdx.x]);  // fault
}

CLUSTER_KERNEL one_warp_never_arrives(float* y, const float* x) {
  if (rank() == 0 || threadIdx.x < 32) arrive();
  wait();  // fault
  y[blockIdx.x * 64 + threadIdx.x] = x[threadIdx.x];
}

CLUSTER_KERNEL some_lanes_never_arrive(float* y, const float* x) {
  if (threadIdx.x % 32 < 16) arrive();
  wait();  // fault
  y[blockIdx.x * 64 + threadIdx.x] = x[threadIdx.x];
}

CLUSTER_KERNEL one_warp_waits_for_its_block(float* y, const float* x) {
  if (threadIdx.x < 32) {
    arrive();
    wait();
  } else {
    __syncthreads();  // fault
  }
  y[blockIdx.x * 64 + threadIdx.x] = x[threadIdx.x];
}

CLUSTER_KERNEL arrives_twice(float* y, const float* x) {
  arrive();
  arrive();  // fault
  wait();
  y[blockIdx.x * 64 + threadIdx.x] = x[threadIdx.x];
}

CLUSTER_KERNEL overwrites_what_the_other_reads(float* y, const float* x) {
  __shared__ float kept[64];
  kept[threadIdx.x] = x[threadIdx.x];
  arrive();
  wait();
  y[blockIdx.x * 64 + threadIdx.x] = get(&kept[threadIdx.x], 1 - rank());  // fault
  kept[threadIdx.x] = 0;  // fault
  arrive();
  wait();
}

CLUSTER_KERNEL asks_for_a_third_block(float* y, const float* x) {
  __shared__ float pushed[64];
  arrive();
  wait();
  put(&pushed[threadIdx.x], 2, x[threadIdx.x]);  // fault
}
