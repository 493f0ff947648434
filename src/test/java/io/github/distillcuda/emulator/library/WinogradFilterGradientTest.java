package io.github.distillcuda.emulator.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import org.junit.jupiter.api.Test;

/** Winograd's gradient of filters beside that of algorithm 1, which is the definition. */
class WinogradFilterGradientTest {
  // No two extents are equal, and no tile is full at the end of rows and columns.
  private static final int IMAGES = 2;
  private static final int IN = 3;
  private static final int OUT = 5;
  private static final int HEIGHT = 9;
  private static final int WIDTH = 13;

  private final LibraryFixture fixture = new LibraryFixture();
  private final CudnnApi cudnn = EmulatedCudnn.on(fixture.device);
  private final long x = fixture.put(fixture.numbers(IMAGES * IN * HEIGHT * WIDTH));
  private final long dy = fixture.put(fixture.numbers(IMAGES * OUT * HEIGHT * (WIDTH - 2)));

  @Test
  void itIsTheDefinitionButForWhatFloat32MakesOfThirds() {
    float[] expected = gradient(CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1);
    float[] actual = gradient(CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED);
    int inexact = 0;
    for (int i = 0; i < expected.length; i++) {
      // A product of whole numbers that is missing makes a difference of 1 at least.
      assertThat(actual[i]).as("element %d", i).isEqualTo(expected[i], within(1e-2f));
      inexact += actual[i] == expected[i] ? 0 : 1;
    }
    assertThat(inexact).isGreaterThan(expected.length / 2);
  }

  private float[] gradient(int algorithm) {
    long handle = cudnn.cudnnCreate();
    cudnn.cudnnSetStream(handle, fixture.stream);
    long filters = cudnn.cudnnCreateFilterDescriptor();
    cudnn.cudnnSetFilter4dDescriptor(filters, 0, 0, OUT, IN, 3, 3);
    long convolution = cudnn.cudnnCreateConvolutionDescriptor();
    cudnn.cudnnSetConvolution2dDescriptor(
        convolution, 1, 0, 1, 1, 1, 1, CudnnConstants.CUDNN_CROSS_CORRELATION, 0);
    long dw = fixture.allocate(OUT * IN * 9);
    cudnn.cudnnConvolutionBackwardFilter(
        handle,
        1,
        tensor(IN, WIDTH),
        x,
        tensor(OUT, WIDTH - 2),
        dy,
        convolution,
        algorithm,
        fixture.workspace,
        LibraryFixture.WORKSPACE_BYTES,
        0,
        filters,
        dw);
    return fixture.get(dw);
  }

  private long tensor(int channels, int width) {
    long tensor = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(tensor, 0, 0, IMAGES, channels, HEIGHT, width);
    return tensor;
  }
}
