// Gathers a batch from the data set that stays on the device as bytes: images normalised and cast,
// labels, image ids, the cached logits of the teacher, and the number of labelled rows.
//   id = order[state.cursor + n]
//   images[n] = (data[id]/255 - 0.5)/0.5      labels[n] = dataLabels[id]      ids[n] = id
//   teacher[n] = teacherCache[id]             labelledRows = #{n : labels[n] is a class}
// Shapes : data uint8 [M, channels, pixels], dataLabels int8 [M], order int32 [>= cursor + N],
//          teacherCache [M, C]; images [N, channels, pixels] in float32 (nchw) or
//          [N, pixels, channels] in bfloat16 (nhwc); labels, ids int32 [N]; teacher [N, C];
//          labelledRows one int32. With teacherCache null, teacher is not written. pixels = H*W.
// Launch : 256 threads, grid N + 1: a block an image, and one that counts labels. v2 takes
//          channels*pixels bytes of dynamic shared memory, a multiple of 16, from a data set on
//          16-byte boundaries to images on such.
// Writes : every output once, no atomics, bitwise repeatable. Nothing may overlap.
// Traffic: per row channels*pixels bytes read, 4 or 2 bytes an element written, 8*C for the logits,
//          13 for order, label and ids (order and labels are read a second time to be counted).
// Ladder : v1 a byte a load, an element a store, of images of any size; v2 16 bytes a load into
//          shared memory and 16 a store, both on neighbouring addresses, whatever the layout.
// Oracle : PyTorch's float32 bits, x.float()/255 - 0.5, /0.5; bitwise, bfloat16 rounded once.
#include "block_sum.cuh"
#include "element_type.cuh"
#include "elements.cuh"
#include "state.cuh"

struct GatherBatch {
  const unsigned char* __restrict__ data;
  const signed char* __restrict__ dataLabels;
  const int* __restrict__ order;
  const float* __restrict__ teacherCache;
  const StepState* __restrict__ state;
  int* __restrict__ labels;
  int* __restrict__ ids;
  float* __restrict__ teacher;
  int* __restrict__ labelledRows;
  int rows;
  int classes;
  int channels;
  int pixels;

  __device__ int imageId(int row) const { return order[state->cursor + row]; }
  __device__ int imageElements() const { return channels * pixels; }  // a byte each in the data set
};

__device__ __forceinline__ float normalise(unsigned char byte) {
  return (byte / 255.0f - 0.5f) / 0.5f;  // in this order: PyTorch's bits
}

// The order of the elements of a gathered image: what belongs at one of them, given the bytes of the
// image, [channels, pixels].
struct Nchw {
  __device__ static float at(const unsigned char* image, const GatherBatch&, int element) {
    return normalise(image[element]);
  }
};

struct Nhwc {
  __device__ static float at(const unsigned char* image, const GatherBatch& batch, int element) {
    const int pixel = element / batch.channels;
    const int channel = element - pixel * batch.channels;
    return normalise(image[channel * batch.pixels + pixel]);
  }
};

// 16 bytes of neighbouring elements.
__device__ __forceinline__ void store16(float* to, const float (&x)[4]) {
  *reinterpret_cast<float4*>(to) = vectorOf(x);
}

__device__ __forceinline__ void store16(__nv_bfloat16* to, const float (&x)[8]) {
  *reinterpret_cast<uint4*>(to) = vectorOf(x);
}

// The last block counts the labelled rows, which the gradient of the mean cross-entropy divides by.
__device__ __forceinline__ void countLabels(const GatherBatch& batch) {
  int count = 0;
  for (int row = threadIdx.x; row < batch.rows; row += BLOCK) {
    count += isClass(batch.dataLabels[batch.imageId(row)], batch.classes);
  }
  count = blockSum<BLOCK>(count);
  if (threadIdx.x == 0) *batch.labelledRows = count;
}

// What belongs to an image beside its pixels.
__device__ __forceinline__ void gatherRow(const GatherBatch& batch, int row, int id) {
  if (threadIdx.x == 0) {
    batch.ids[row] = id;
    batch.labels[row] = batch.dataLabels[id];
  }
  if (batch.teacherCache == nullptr) return;
  for (int c = threadIdx.x; c < batch.classes; c += BLOCK) {
    batch.teacher[(size_t)row * batch.classes + c] =
        batch.teacherCache[(size_t)id * batch.classes + c];
  }
}

__device__ __forceinline__ void gatherByElement(const GatherBatch& batch, float* images) {
  const int row = blockIdx.x;
  if (row == batch.rows) return countLabels(batch);
  const int id = batch.imageId(row);
  gatherRow(batch, row, id);
  const int elements = batch.imageElements();
  const unsigned char* image = batch.data + (size_t)id * elements;
  for (int i = threadIdx.x; i < elements; i += BLOCK) {
    images[(size_t)row * elements + i] = normalise(image[i]);
  }
}

template <typename Layout, typename Element>
__device__ __forceinline__ void gatherStaged(const GatherBatch& batch, Element* images) {
  extern __shared__ uint4 staged[];
  const int row = blockIdx.x;
  if (row == batch.rows) return countLabels(batch);
  const int id = batch.imageId(row);
  const int elements = batch.imageElements();
  const uint4* image = reinterpret_cast<const uint4*>(batch.data + (size_t)id * elements);
  for (int i = threadIdx.x; i < elements / 16; i += BLOCK) staged[i] = image[i];
  gatherRow(batch, row, id);
  __syncthreads();

  constexpr int PER_STORE = 16 / sizeof(Element);
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(staged);
  for (int i = threadIdx.x * PER_STORE; i < elements; i += BLOCK * PER_STORE) {
    float x[PER_STORE];
#pragma unroll
    for (int j = 0; j < PER_STORE; ++j) x[j] = Layout::at(bytes, batch, i + j);
    store16(images + (size_t)row * elements + i, x);
  }
}

#define GATHER_KERNEL(SYMBOL, GATHER, ELEMENT)                                                   \
  extern "C" __global__ void __launch_bounds__(BLOCK) SYMBOL(                                    \
      const unsigned char* __restrict__ data, const signed char* __restrict__ dataLabels,        \
      const int* __restrict__ order, const float* __restrict__ teacherCache,                     \
      const StepState* __restrict__ state, ELEMENT* __restrict__ images,                         \
      int* __restrict__ labels, int* __restrict__ ids, float* __restrict__ teacher,              \
      int* __restrict__ labelledRows, int rows, int classes, int channels, int pixels) {         \
    GATHER({data, dataLabels, order, teacherCache, state, labels, ids, teacher, labelledRows,    \
            rows, classes, channels, pixels}, images);                                           \
  }

// bfloat16 needs compute_80; float32 is built once, for compute_75.
#if __CUDA_ARCH__ < 800
GATHER_KERNEL(gather_nchw_fused_f32_v1, gatherByElement, float)
GATHER_KERNEL(gather_nchw_fused_f32_v2, gatherStaged<Nchw>, float)
#else
GATHER_KERNEL(gather_nhwc_fused_bf16_v2, gatherStaged<Nhwc>, __nv_bfloat16)
#endif
