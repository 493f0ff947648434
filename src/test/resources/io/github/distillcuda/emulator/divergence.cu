// Kernels whose lanes part and must come together again. Each thread of one warp writes what it
// computed to y[t], and how many lanes were together afterwards to y[32 + t].

__device__ __forceinline__ float lanes_together() { return __popc(__activemask()); }

extern "C" __global__ void nested_branches(float* y) {
  int t = threadIdx.x;
  volatile float v = 0;  // volatile: keeps nvcc from making selects of the branches
  if (t & 1) {
    v = v + 1;
    if (t & 2) {
      v = v + 10;
    } else {
      v = v + 20;
    }
    v = v + 100;
  } else if (t & 4) {
    v = v + 1000;
  }
  y[t] = v;
  y[32 + t] = lanes_together();
}

extern "C" __global__ void loop_of_different_lengths(float* y) {
  int t = threadIdx.x;
  volatile float v = 0;
  for (int i = 0; i < t; i++) {
    if (i % 3 == 1) continue;
    v = v + i;
    if (i == 20) break;
  }
  y[t] = v;
  y[32 + t] = lanes_together();
}

extern "C" __global__ void loop_in_a_branch_in_a_loop(float* y) {
  int t = threadIdx.x;
  volatile float v = 0;
  for (int i = 0; i < 4; i++) {
    if ((t >> i) & 1) {
      for (int j = 0; j < t % 5; j++) v = v + 1;
    } else {
      v = v + 100;
    }
  }
  y[t] = v;
  y[32 + t] = lanes_together();
}

extern "C" __global__ void some_leave_early(float* y) {
  int t = threadIdx.x;
  y[t] = -1;
  y[32 + t] = -1;
  if (t >= 20) return;
  y[t] = t;
  y[32 + t] = lanes_together();
}

extern "C" __global__ void either_of_two_conditions(float* y) {
  int t = threadIdx.x;
  volatile float v = t;
  if ((t < 8 && v != 3) || (t > 24 && v != 30)) v = -v;
  y[t] = v;
  y[32 + t] = lanes_together();
}

extern "C" __global__ void cases_that_fall_through(float* y) {
  int t = threadIdx.x;
  volatile float v = 0;
  switch (t % 5) {
    case 0: v = v + 1;
    case 1: v = v + 10; break;
    case 3: v = v + 100;
    default: v = v + 1000;
  }
  y[t] = v;
  y[32 + t] = lanes_together();
}

// The branch first sends lanes apart, then each side asks for all of them at the same shuffle.
extern "C" __global__ void late_lanes_join_a_shuffle(float* y) {
  int t = threadIdx.x;
  volatile float v = t;
  if (t % 2) {
    for (int i = 0; i < t; i++) v = v + 1;
  }
  y[t] = __shfl_xor_sync(0xffffffff, v, 1);
  y[32 + t] = lanes_together();
}
