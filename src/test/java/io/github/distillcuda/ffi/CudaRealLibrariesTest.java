package io.github.distillcuda.ffi;

import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_CROSS_CORRELATION;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_DATA_FLOAT;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_PROPAGATE_NAN;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_TENSOR_NCHW;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.failure.DistillException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * NVIDIA's own libraries, where this machine has them, as far as they go without a GPU: every
 * function of the tables is exported, descriptors can be made, shapes are computed, and what needs
 * a device fails with a reason.
 */
class CudaRealLibrariesTest {
  @ParameterizedTest
  @EnumSource
  void cudnnHasEveryFunctionAndAVersion(CudaBinding binding) {
    CudnnApi cudnn = open(binding, CudaLibraries::cudnn);
    assertThat(cudnn.cudnnGetVersion()).isBetween(90_000L, 99_999L);
    assertThat(cudnn.cudnnGetCudartVersion()).isBetween(12_000L, 13_990L);
  }

  @Test
  void cublasHasEveryFunctionAndAVersion() {
    CublasApi cublas = open(CudaLibraries::cublas);
    CublasLtApi cublasLt = open(CudaLibraries::cublasLt);
    assertThat(cublas.cublasGetVersion_v2()).isBetween(120_000, 139_999);
    assertThat(cublasLt.cublasLtGetVersion()).isEqualTo(cublas.cublasGetVersion_v2());
  }

  /** The second convolution of the teacher, and the pooling behind it. */
  @ParameterizedTest
  @EnumSource
  void cudnnComputesTheShapesOfTheTeacher(CudaBinding binding) {
    CudnnDescriptorApi cudnn = open(binding, CudaLibraries::cudnn);
    requireShapesOfTheTeacher(cudnn, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT);
    requireShapesOfTheTeacher(
        cudnn, CudnnConstants.CUDNN_TENSOR_NHWC, CudnnConstants.CUDNN_DATA_BFLOAT16);
  }

  private static void requireShapesOfTheTeacher(CudnnDescriptorApi cudnn, int order, int type) {
    long input = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(input, order, type, 8, 64, 16, 16);
    long filter = cudnn.cudnnCreateFilterDescriptor();
    cudnn.cudnnSetFilter4dDescriptor(filter, type, order, 128, 64, 3, 3);
    long convolution = cudnn.cudnnCreateConvolutionDescriptor();
    cudnn.cudnnSetConvolution2dDescriptor(
        convolution, 1, 1, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    cudnn.cudnnSetConvolutionMathType(convolution, CudnnConstants.CUDNN_FMA_MATH);
    assertThat(cudnn.cudnnGetConvolution2dForwardOutputDim(convolution, input, filter))
        .containsExactly(8, 128, 16, 16);

    long output = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(output, order, type, 8, 128, 16, 16);
    long pooling = cudnn.cudnnCreatePoolingDescriptor();
    cudnn.cudnnSetPooling2dDescriptor(
        pooling, CUDNN_POOLING_MAX_DETERMINISTIC, CUDNN_PROPAGATE_NAN, 2, 2, 0, 0, 2, 2);
    assertThat(cudnn.cudnnGetPooling2dForwardOutputDim(pooling, output))
        .containsExactly(8, 128, 8, 8);

    long activation = cudnn.cudnnCreateActivationDescriptor();
    cudnn.cudnnSetActivationDescriptor(
        activation, CudnnConstants.CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN, 0);
    cudnn.cudnnDestroyActivationDescriptor(activation);
    cudnn.cudnnDestroyPoolingDescriptor(pooling);
    cudnn.cudnnDestroyConvolutionDescriptor(convolution);
    cudnn.cudnnDestroyFilterDescriptor(filter);
    cudnn.cudnnDestroyTensorDescriptor(output);
    cudnn.cudnnDestroyTensorDescriptor(input);
  }

  /** Each argument in its own place: no two extents, paddings or strides are equal. */
  @ParameterizedTest
  @EnumSource
  void cudnnTakesHeightAndWidthInThatOrder(CudaBinding binding) {
    CudnnDescriptorApi cudnn = open(binding, CudaLibraries::cudnn);
    long input = tensor(cudnn, 2, 3, 20, 31);
    long filter = cudnn.cudnnCreateFilterDescriptor();
    cudnn.cudnnSetFilter4dDescriptor(filter, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, 7, 3, 4, 5);
    long convolution = cudnn.cudnnCreateConvolutionDescriptor();
    cudnn.cudnnSetConvolution2dDescriptor(
        convolution, 1, 2, 2, 3, 1, 2, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    // (20 + 2*1 - 4)/2 + 1 = 10; (31 + 2*2 - ((5-1)*2 + 1))/3 + 1 = 9, rounded down
    assertThat(cudnn.cudnnGetConvolution2dForwardOutputDim(convolution, input, filter))
        .containsExactly(2, 7, 10, 9);

    long pooling = cudnn.cudnnCreatePoolingDescriptor();
    cudnn.cudnnSetPooling2dDescriptor(
        pooling, CUDNN_POOLING_MAX_DETERMINISTIC, CUDNN_PROPAGATE_NAN, 4, 6, 1, 2, 2, 3);
    // (20 + 2*1 - 4)/2 + 1 = 10; (31 + 2*2 - 6)/3 + 1 = 10, rounded down
    assertThat(cudnn.cudnnGetPooling2dForwardOutputDim(pooling, input))
        .containsExactly(2, 3, 10, 10);
    cudnn.cudnnDestroyPoolingDescriptor(pooling);
    cudnn.cudnnDestroyConvolutionDescriptor(convolution);
    cudnn.cudnnDestroyFilterDescriptor(filter);
    cudnn.cudnnDestroyTensorDescriptor(input);
  }

  @ParameterizedTest
  @EnumSource
  void aFailureOfCudnnSaysWhatItLogged(CudaBinding binding) {
    CudnnDescriptorApi cudnn = open(binding, CudaLibraries::cudnn);
    long tensor = cudnn.cudnnCreateTensorDescriptor();
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(
            () ->
                cudnn.cudnnSetTensor4dDescriptor(
                    tensor, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 8, -1, 2, 2))
        .withMessageMatching(
            "cudnnSetTensor4dDescriptor\\(tensorDesc=0x\\p{XDigit}+, format=0, dataType=0, n=8, "
                + "c=-1, h=2, w=2\\) failed: CUDNN_STATUS_BAD_PARAM\\w* \\(20\\d\\d\\) \\S.*")
        .satisfies(e -> assertThat(e.code() / 1000).isEqualTo(2));
    cudnn.cudnnDestroyTensorDescriptor(tensor);
  }

  @ParameterizedTest
  @EnumSource
  void withoutAGpuHandlesFailWithAReason(CudaBinding binding) {
    assumeNoDriver();
    CudnnApi cudnn = open(binding, CudaLibraries::cudnn);
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(cudnn::cudnnCreate)
        .withMessageStartingWith("cudnnCreate() failed: CUDNN_STATUS_NOT_INITIALIZED (1001) ");
    CublasApi cublas = open(binding, CudaLibraries::cublas);
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(cublas::cublasCreate_v2)
        .withMessageStartingWith("cublasCreate_v2() failed: CUBLAS_STATUS_NOT_INITIALIZED (1) ");
  }

  @Test
  void cublasLtsDescriptionsNeedNoGpu() {
    CublasLtApi cublasLt = open(CudaLibraries::cublasLt);
    long matmul =
        cublasLt.cublasLtMatmulDescCreate(
            CublasConstants.CUBLAS_COMPUTE_32F, CublasConstants.CUDA_R_32F);
    long layout = cublasLt.cublasLtMatrixLayoutCreate(CublasConstants.CUDA_R_32F, 64, 128, 64);
    long preference = cublasLt.cublasLtMatmulPreferenceCreate();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment epilogue =
          arena.allocateFrom(JAVA_INT, CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS);
      cublasLt.cublasLtMatmulDescSetAttribute(
          matmul, CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
      cublasLt.cublasLtMatmulPreferenceSetAttribute(
          preference,
          CublasConstants.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
          arena.allocateFrom(JAVA_LONG, 1 << 22));
      // An attribute has one size; this shows that sizes are passed and statuses are read.
      assertThatExceptionOfType(NativeException.class)
          .isThrownBy(
              () ->
                  cublasLt.cublasLtMatmulDescSetAttribute(
                      matmul,
                      CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE,
                      epilogue.asSlice(0, 2)))
          .withMessageContaining("failed: CUBLAS_STATUS_INVALID_VALUE (7) ");
    }
    cublasLt.cublasLtMatmulPreferenceDestroy(preference);
    cublasLt.cublasLtMatrixLayoutDestroy(layout);
    cublasLt.cublasLtMatmulDescDestroy(matmul);
  }

  /** With a driver this machine has more to say than these tests ask. */
  @Test
  void theDriverHasEveryFunction() {
    CudaDriverApi driver = open(CudaLibraries::driver);
    assertThat(driver.cuDriverGetVersion()).isGreaterThanOrEqualTo(12_000);
    assertThat(driver.cuDeviceGetCount()).isPositive();
  }

  private static long tensor(CudnnDescriptorApi cudnn, int n, int c, int h, int w) {
    long tensor = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(tensor, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, n, c, h, w);
    return tensor;
  }

  private static <T> T open(Function<CudaLibraries, T> library) {
    return open(CudaBinding.PANAMA, library);
  }

  /** Links a library, or skips the test with the reason that a user would read. */
  private static <T> T open(CudaBinding binding, Function<CudaLibraries, T> library) {
    try {
      return library.apply(CudaTestLibraries.ofThisMachine(binding));
    } catch (DistillException e) {
      // What was found but lacks a function is a failure, not a reason to skip.
      assertThat(e.getMessage()).doesNotContain("does not export");
      return abort(e.getMessage() + CudaTestLibraries.HOW_TO);
    }
  }

  private static void assumeNoDriver() {
    CudaLibrarySearch search = new CudaLibrarySearch(List.of("libcuda.so.1"));
    search.askLoader("cuInit");
    assumeTrue(search.library().isEmpty(), "this machine has a driver, so handles may work");
  }
}
