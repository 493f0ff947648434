package io.github.distillcuda.emulator.library;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudaLibraries;
import io.github.distillcuda.ffi.CudnnDescriptorApi;
import io.github.distillcuda.ffi.NativeException;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What cuDNN's descriptors take and refuse: the emulation and, where it is, the library itself. */
class CudnnDescriptorTest {
  private static final int BAD_PARAM = 2000;
  private static final int NOT_SUPPORTED = 3000;
  private static final int OK = 0;

  abstract static class Rules {
    abstract CudnnDescriptorApi cudnn();

    private static void assertStatus(int expected, String what, Runnable call) {
      int status = OK;
      try {
        call.run();
      } catch (NativeException e) {
        // 2000 is a category of its own; newer versions say more precisely what is wrong.
        status = e.code() / 1000 * 1000;
      }
      assertThat(status).as(what).isEqualTo(expected);
    }

    private void tensor(int expected, int format, int type, int n, int c, int h, int w) {
      long tensor = cudnn().cudnnCreateTensorDescriptor();
      assertStatus(
          expected,
          "tensor of format %d, type %d, [%d, %d, %d, %d]".formatted(format, type, n, c, h, w),
          () -> cudnn().cudnnSetTensor4dDescriptor(tensor, format, type, n, c, h, w));
      cudnn().cudnnDestroyTensorDescriptor(tensor);
    }

    @Test
    void tensors() {
      tensor(OK, 0, 0, 8, 3, 32, 32);
      tensor(OK, 1, 0, 8, 3, 32, 32);
      tensor(OK, 0, 9, 8, 3, 32, 32);
      tensor(OK, 1, 9, 8, 3, 32, 32);
      tensor(OK, 1, 9, 1, 32, 1, 1);
      tensor(BAD_PARAM, 2, 0, 8, 4, 32, 32);
      tensor(BAD_PARAM, -1, 0, 8, 3, 32, 32);
      tensor(BAD_PARAM, 0, 99, 8, 3, 32, 32);
      tensor(BAD_PARAM, 0, -1, 8, 3, 32, 32);
      tensor(BAD_PARAM, 0, 0, 0, 3, 32, 32);
      tensor(BAD_PARAM, 0, 0, 8, -3, 32, 32);
      tensor(BAD_PARAM, 0, 0, 8, 3, 0, 32);
      tensor(BAD_PARAM, 0, 0, 8, 3, 32, -1);
      tensor(NOT_SUPPORTED, 0, 0, 1 << 16, 1 << 8, 1 << 8, 1);
      tensor(NOT_SUPPORTED, 0, 0, 1 << 30, 2, 1, 1);
      assertStatus(
          BAD_PARAM, "no tensor", () -> cudnn().cudnnSetTensor4dDescriptor(0, 0, 0, 1, 1, 1, 1));
    }

    private void filter(int expected, int type, int format, int k, int c, int h, int w) {
      long filter = cudnn().cudnnCreateFilterDescriptor();
      assertStatus(
          expected,
          "filter of type %d, format %d, [%d, %d, %d, %d]".formatted(type, format, k, c, h, w),
          () -> cudnn().cudnnSetFilter4dDescriptor(filter, type, format, k, c, h, w));
      cudnn().cudnnDestroyFilterDescriptor(filter);
    }

    @Test
    void filters() {
      filter(OK, 0, 0, 8, 3, 3, 3);
      filter(OK, 9, 1, 8, 3, 3, 3);
      filter(BAD_PARAM, 0, 2, 8, 4, 3, 3);
      filter(BAD_PARAM, 99, 0, 8, 3, 3, 3);
      filter(BAD_PARAM, 0, 0, 0, 3, 3, 3);
      filter(BAD_PARAM, 0, 0, 8, -1, 3, 3);
      filter(BAD_PARAM, 0, 0, 8, 3, 3, 0);
    }

    private void convolution(int expected, int... arguments) {
      long convolution = cudnn().cudnnCreateConvolutionDescriptor();
      assertStatus(
          expected, "convolution " + Arrays.toString(arguments), () -> set(convolution, arguments));
      cudnn().cudnnDestroyConvolutionDescriptor(convolution);
    }

    private void set(long convolution, int... a) {
      cudnn()
          .cudnnSetConvolution2dDescriptor(
              convolution, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    }

    @Test
    void convolutions() {
      convolution(OK, 1, 1, 1, 1, 1, 1, 1, 0);
      convolution(OK, 0, 0, 1, 1, 1, 1, 0, 0);
      convolution(BAD_PARAM, -1, 1, 1, 1, 1, 1, 1, 0);
      convolution(BAD_PARAM, 1, -1, 1, 1, 1, 1, 1, 0);
      convolution(BAD_PARAM, 1, 1, 0, 1, 1, 1, 1, 0);
      convolution(BAD_PARAM, 1, 1, 1, 0, 1, 1, 1, 0);
      convolution(BAD_PARAM, 1, 1, 1, 1, 0, 1, 1, 0);
      convolution(BAD_PARAM, 1, 1, 1, 1, 1, -1, 1, 0);
      convolution(BAD_PARAM, 1, 1, 1, 1, 1, 1, 2, 0);
      convolution(BAD_PARAM, 1, 1, 1, 1, 1, 1, 1, 9);
      convolution(BAD_PARAM, 1, 1, 1, 1, 1, 1, 1, 99);
      long convolution = cudnn().cudnnCreateConvolutionDescriptor();
      for (int mathType = -1; mathType <= 4; mathType++) {
        int type = mathType;
        assertStatus(
            type >= 0 && type <= 3 ? OK : BAD_PARAM,
            "math type " + type,
            () -> cudnn().cudnnSetConvolutionMathType(convolution, type));
      }
      cudnn().cudnnDestroyConvolutionDescriptor(convolution);
    }

    private void pooling(int expected, int... a) {
      long pooling = cudnn().cudnnCreatePoolingDescriptor();
      assertStatus(
          expected,
          "pooling " + Arrays.toString(a),
          () ->
              cudnn()
                  .cudnnSetPooling2dDescriptor(
                      pooling, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]));
      cudnn().cudnnDestroyPoolingDescriptor(pooling);
    }

    @Test
    void poolings() {
      for (int mode = -1; mode <= 4; mode++) {
        pooling(mode >= 0 && mode <= 3 ? OK : BAD_PARAM, mode, 1, 2, 2, 0, 0, 2, 2);
      }
      pooling(OK, 0, 0, 2, 2, 0, 0, 2, 2);
      pooling(OK, 0, 1, 2, 2, 2, 2, 2, 2);
      pooling(OK, 0, 1, 2, 2, -1, 0, 2, 2);
      pooling(BAD_PARAM, 0, 2, 2, 2, 0, 0, 2, 2);
      pooling(BAD_PARAM, 0, -1, 2, 2, 0, 0, 2, 2);
      pooling(BAD_PARAM, 0, 1, 0, 2, 0, 0, 2, 2);
      pooling(BAD_PARAM, 0, 1, 2, -1, 0, 0, 2, 2);
      pooling(BAD_PARAM, 0, 1, 2, 2, 0, 0, 0, 2);
      pooling(BAD_PARAM, 0, 1, 2, 2, 0, 0, 2, -1);
    }

    @Test
    void activations() {
      long activation = cudnn().cudnnCreateActivationDescriptor();
      for (int mode = -1; mode <= 7; mode++) {
        int m = mode;
        assertStatus(
            m >= 0 && m <= 6 ? OK : BAD_PARAM,
            "activation " + m,
            () -> cudnn().cudnnSetActivationDescriptor(activation, m, 1, 0));
      }
      for (int nan = -1; nan <= 2; nan++) {
        int n = nan;
        assertStatus(
            n == 0 || n == 1 ? OK : BAD_PARAM,
            "NaN propagation " + n,
            () -> cudnn().cudnnSetActivationDescriptor(activation, 1, n, -1));
      }
      cudnn().cudnnDestroyActivationDescriptor(activation);
    }

    @Test
    void outputsOfConvolutions() {
      long x = cudnn().cudnnCreateTensorDescriptor();
      long w = cudnn().cudnnCreateFilterDescriptor();
      long convolution = cudnn().cudnnCreateConvolutionDescriptor();
      Runnable ask = () -> cudnn().cudnnGetConvolution2dForwardOutputDim(convolution, x, w);
      assertStatus(BAD_PARAM, "nothing is set", ask);
      cudnn().cudnnSetTensor4dDescriptor(x, 0, 0, 2, 3, 20, 31);
      assertStatus(BAD_PARAM, "the filter is not set", ask);
      cudnn().cudnnSetFilter4dDescriptor(w, 0, 0, 7, 3, 4, 5);
      assertStatus(BAD_PARAM, "the convolution is not set", ask);
      set(convolution, 1, 2, 2, 3, 1, 2, 1, 0);
      assertThat(cudnn().cudnnGetConvolution2dForwardOutputDim(convolution, x, w))
          .containsExactly(2, 7, 10, 9);
      cudnn().cudnnSetFilter4dDescriptor(w, 9, 1, 7, 3, 4, 5);
      assertStatus(OK, "another format and type", ask);
      cudnn().cudnnSetTensor4dDescriptor(x, 1, 9, 2, 3, 20, 31);
      assertThat(cudnn().cudnnGetConvolution2dForwardOutputDim(convolution, x, w))
          .as("bfloat16 in NHWC")
          .containsExactly(2, 7, 10, 9);
      cudnn().cudnnSetFilter4dDescriptor(w, 0, 0, 7, 4, 4, 5);
      assertStatus(BAD_PARAM, "other channels", ask);
      cudnn().cudnnSetFilter4dDescriptor(w, 0, 0, 7, 3, 22, 5);
      assertStatus(OK, "a filter as high as the padded input", ask);
      cudnn().cudnnSetFilter4dDescriptor(w, 0, 0, 7, 3, 23, 5);
      assertStatus(BAD_PARAM, "a filter higher than the padded input", ask);
      assertStatus(
          BAD_PARAM,
          "no input",
          () -> cudnn().cudnnGetConvolution2dForwardOutputDim(convolution, 0, w));
      cudnn().cudnnDestroyConvolutionDescriptor(convolution);
      cudnn().cudnnDestroyFilterDescriptor(w);
      cudnn().cudnnDestroyTensorDescriptor(x);
    }

    @Test
    void outputsOfPoolings() {
      long x = cudnn().cudnnCreateTensorDescriptor();
      long pooling = cudnn().cudnnCreatePoolingDescriptor();
      Runnable ask = () -> cudnn().cudnnGetPooling2dForwardOutputDim(pooling, x);
      assertStatus(BAD_PARAM, "nothing is set", ask);
      cudnn().cudnnSetPooling2dDescriptor(pooling, 0, 1, 2, 2, 1, 0, 2, 2);
      assertStatus(BAD_PARAM, "the tensor is not set", ask);
      cudnn().cudnnSetTensor4dDescriptor(x, 0, 0, 2, 3, 5, 5);
      assertThat(cudnn().cudnnGetPooling2dForwardOutputDim(pooling, x)).containsExactly(2, 3, 3, 2);
      cudnn().cudnnSetTensor4dDescriptor(x, 1, 9, 2, 3, 5, 5);
      assertThat(cudnn().cudnnGetPooling2dForwardOutputDim(pooling, x))
          .as("bfloat16 in NHWC")
          .containsExactly(2, 3, 3, 2);
      cudnn().cudnnSetPooling2dDescriptor(pooling, 0, 1, 6, 2, 0, 0, 2, 2);
      assertStatus(BAD_PARAM, "a window higher than the input", ask);
      cudnn().cudnnDestroyPoolingDescriptor(pooling);
      cudnn().cudnnDestroyTensorDescriptor(x);
    }

    @Test
    void nullMayBeDestroyed() {
      assertStatus(OK, "tensor", () -> cudnn().cudnnDestroyTensorDescriptor(0));
      assertStatus(OK, "filter", () -> cudnn().cudnnDestroyFilterDescriptor(0));
      assertStatus(OK, "convolution", () -> cudnn().cudnnDestroyConvolutionDescriptor(0));
      assertStatus(OK, "pooling", () -> cudnn().cudnnDestroyPoolingDescriptor(0));
      assertStatus(OK, "activation", () -> cudnn().cudnnDestroyActivationDescriptor(0));
    }
  }

  @Nested
  class Emulated extends Rules {
    private final CudnnDescriptorApi cudnn = EmulatedCudnn.on(new EmulatedDevice());

    @Override
    CudnnDescriptorApi cudnn() {
      return cudnn;
    }
  }

  @Nested
  class Real extends Rules {
    private CudnnDescriptorApi cudnn;

    @Override
    CudnnDescriptorApi cudnn() {
      if (cudnn == null) {
        cudnn = RealLibrary.open(CudaLibraries::cudnn);
      }
      return cudnn;
    }
  }
}
