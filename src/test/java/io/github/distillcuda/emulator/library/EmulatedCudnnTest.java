package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.emulator.library.LibraryFixture.assertFails;
import static io.github.distillcuda.emulator.library.LibraryFixture.assertNotEmulated;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnPerformance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each rule of native-notes/emulated-device.md for cuDNN's handles and convolutions. */
class EmulatedCudnnTest {
  // No two extents, paddings, strides or dilations are equal.
  private static final int IMAGES = 2;
  private static final int IN = 3;
  private static final int OUT = 4;
  private static final int HEIGHT = 9;
  private static final int WIDTH = 14;
  private static final int ROWS = 3;
  private static final int COLUMNS = 2;
  private static final int OUT_HEIGHT = 5; // (9 + 2*1 - 3)/2 + 1
  private static final int OUT_WIDTH = 6; // (14 + 2*2 - (2-1)*2 - 1)/3 + 1

  private final LibraryFixture fixture = new LibraryFixture();
  private final CudnnApi cudnn = EmulatedCudnn.on(fixture.device);
  private final float[] x = fixture.numbers(IMAGES * IN * HEIGHT * WIDTH);
  private final float[] w = fixture.numbers(OUT * IN * ROWS * COLUMNS);
  private final float[] dy = fixture.numbers(IMAGES * OUT * OUT_HEIGHT * OUT_WIDTH);
  private long handle;
  private long xDesc;
  private long wDesc;
  private long yDesc;
  private long convolution;

  @BeforeEach
  void open() {
    handle = cudnn.cudnnCreate();
    cudnn.cudnnSetStream(handle, fixture.stream);
    describe(CudnnConstants.CUDNN_TENSOR_NCHW);
  }

  private void describe(int format) {
    xDesc = tensor(format, IMAGES, IN, HEIGHT, WIDTH);
    wDesc = cudnn.cudnnCreateFilterDescriptor();
    cudnn.cudnnSetFilter4dDescriptor(wDesc, 0, format, OUT, IN, ROWS, COLUMNS);
    yDesc = tensor(format, IMAGES, OUT, OUT_HEIGHT, OUT_WIDTH);
    convolution = cudnn.cudnnCreateConvolutionDescriptor();
    cudnn.cudnnSetConvolution2dDescriptor(
        convolution, 1, 2, 2, 3, 1, 2, CudnnConstants.CUDNN_CROSS_CORRELATION, 0);
    cudnn.cudnnSetConvolutionMathType(convolution, CudnnConstants.CUDNN_FMA_MATH);
  }

  private long tensor(int format, int n, int c, int h, int width) {
    long tensor = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(tensor, format, 0, n, c, h, width);
    return tensor;
  }

  /** What one term of the sum joins: an input, a filter's element and an output. */
  private interface Term {
    void add(int input, int filter, int output);
  }

  /** Every term of the convolution, by its definition. */
  private static void forEachTerm(Term term) {
    for (int n = 0; n < IMAGES; n++) {
      for (int k = 0; k < OUT; k++) {
        for (int c = 0; c < IN; c++) {
          for (int p = 0; p < OUT_HEIGHT; p++) {
            for (int q = 0; q < OUT_WIDTH; q++) {
              for (int r = 0; r < ROWS; r++) {
                for (int s = 0; s < COLUMNS; s++) {
                  int h = 2 * p - 1 + r;
                  int column = 3 * q - 2 + 2 * s;
                  if (h >= 0 && h < HEIGHT && column >= 0 && column < WIDTH) {
                    term.add(
                        ((n * IN + c) * HEIGHT + h) * WIDTH + column,
                        ((k * IN + c) * ROWS + r) * COLUMNS + s,
                        ((n * OUT + k) * OUT_HEIGHT + p) * OUT_WIDTH + q);
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private float[] product() {
    float[] y = new float[dy.length];
    forEachTerm((input, filter, output) -> y[output] += x[input] * w[filter]);
    return y;
  }

  private long forward(long devX, long devW, int algorithm, float beta, long devY) {
    long bytes =
        cudnn.cudnnGetConvolutionForwardWorkspaceSize(
            handle, xDesc, wDesc, convolution, yDesc, algorithm);
    cudnn.cudnnConvolutionForward(
        handle,
        1,
        xDesc,
        devX,
        wDesc,
        devW,
        convolution,
        algorithm,
        fixture.workspace,
        bytes,
        beta,
        yDesc,
        devY);
    return devY;
  }

  @Test
  void convolutionAndItsGradientsAreTheirDefinitions() {
    long devX = fixture.put(x);
    long devW = fixture.put(w);
    long devY = fixture.allocate(dy.length);
    assertThat(fixture.get(forward(devX, devW, 1, 0, devY))).containsExactly(product());
    assertThat(fixture.get(forward(devX, devW, 0, 1, devY))[7]).isEqualTo(2 * product()[7]);

    long devDy = fixture.put(dy);
    float[] dx = new float[x.length];
    float[] dw = new float[w.length];
    forEachTerm(
        (input, filter, output) -> {
          dx[input] += w[filter] * dy[output];
          dw[filter] += x[input] * dy[output];
        });
    long devDx = fixture.allocate(dx.length);
    long devDw = fixture.allocate(dw.length);
    long bytes = LibraryFixture.WORKSPACE_BYTES;
    cudnn.cudnnConvolutionBackwardData(
        handle,
        1,
        wDesc,
        devW,
        yDesc,
        devDy,
        convolution,
        1,
        fixture.workspace,
        bytes,
        0,
        xDesc,
        devDx);
    assertThat(fixture.get(devDx)).containsExactly(dx);
    cudnn.cudnnConvolutionBackwardFilter(
        handle,
        1,
        xDesc,
        devX,
        yDesc,
        devDy,
        convolution,
        1,
        fixture.workspace,
        bytes,
        0,
        wDesc,
        devDw);
    assertThat(fixture.get(devDw)).containsExactly(dw);
  }

  @Test
  void nhwcIsTheSameInAnotherOrder() {
    describe(CudnnConstants.CUDNN_TENSOR_NHWC);
    long devY = fixture.allocate(dy.length);
    forward(
        fixture.put(channelsLast(x, IN, HEIGHT * WIDTH)),
        fixture.put(channelsLast(w, IN, ROWS * COLUMNS)),
        1,
        0,
        devY);
    assertThat(fixture.get(devY))
        .containsExactly(channelsLast(product(), OUT, OUT_HEIGHT * OUT_WIDTH));
  }

  private static float[] channelsLast(float[] values, int channels, int plane) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int image = i / (channels * plane);
      int channel = i / plane % channels;
      result[(image * plane + i % plane) * channels + channel] = values[i];
    }
    return result;
  }

  @Test
  void biasAndReluComeWithTheConvolution() {
    float[] bias = {1, -20, 3, 0};
    long biasDesc = tensor(0, 1, OUT, 1, 1);
    long relu = activation(CudnnConstants.CUDNN_ACTIVATION_RELU);
    long identity = activation(EmulatedCudnn.IDENTITY);
    long devX = fixture.put(x);
    long devW = fixture.put(w);
    long devBias = fixture.put(bias);
    long devY = fixture.allocate(dy.length);
    float[] expected = product();
    for (int i = 0; i < expected.length; i++) {
      expected[i] = Math.max(0, expected[i] + bias[i / (OUT_HEIGHT * OUT_WIDTH) % OUT]);
    }
    biasActivation(devX, devW, devBias, biasDesc, relu, 1, devY);
    assertThat(fixture.get(devY)).containsExactly(expected);
    biasActivation(devX, devW, devBias, biasDesc, identity, 1, devY);
    assertThat(fixture.get(devY)[OUT_HEIGHT * OUT_WIDTH])
        .isEqualTo(product()[OUT_HEIGHT * OUT_WIDTH] - 20);
    assertFails(3000, () -> biasActivation(devX, devW, devBias, biasDesc, identity, 0, devY));
    assertFails(2000, () -> biasActivation(devX, devW, devBias, xDesc, relu, 1, devY));
  }

  private long activation(int mode) {
    long activation = cudnn.cudnnCreateActivationDescriptor();
    cudnn.cudnnSetActivationDescriptor(activation, mode, CudnnConstants.CUDNN_PROPAGATE_NAN, 0);
    return activation;
  }

  private void biasActivation(
      long devX, long devW, long bias, long biasDesc, long activation, int algorithm, long y) {
    cudnn.cudnnConvolutionBiasActivationForward(
        handle,
        1,
        xDesc,
        devX,
        wDesc,
        devW,
        convolution,
        algorithm,
        fixture.workspace,
        LibraryFixture.WORKSPACE_BYTES,
        0,
        yDesc,
        y,
        biasDesc,
        bias,
        activation,
        yDesc,
        y);
  }

  @Test
  void onlyFmaKeepsAllBitsOfTheFactors() {
    float most = 1 - 0x1p-24f; // to the nearest it is 1, cut off 1 - 2^-11
    long one = tensor(0, 1, 1, 1, 1);
    long filter = cudnn.cudnnCreateFilterDescriptor();
    cudnn.cudnnSetFilter4dDescriptor(filter, 0, 0, 1, 1, 1, 1);
    cudnn.cudnnSetConvolution2dDescriptor(convolution, 0, 0, 1, 1, 1, 1, 1, 0);
    long y = fixture.allocate(1);
    for (int i = 0; i < 8; i++) {
      int mathType = i % 4;
      if (i == 4) {
        fixture.device.truncatingFactors();
      }
      float rounded = i < 4 ? 1 : 1 - 0x1p-11f;
      cudnn.cudnnSetConvolutionMathType(convolution, mathType);
      cudnn.cudnnConvolutionForward(
          handle,
          1,
          one,
          fixture.put(most),
          filter,
          fixture.put(1),
          convolution,
          0,
          0,
          0,
          0,
          one,
          y);
      assertThat(fixture.get(y))
          .containsExactly(mathType == CudnnConstants.CUDNN_FMA_MATH ? most : rounded);
    }
  }

  @Test
  void workspacesMustBeLargeEnoughAndKeepNothing() {
    long devX = fixture.put(x);
    long devW = fixture.put(w);
    long devY = fixture.allocate(dy.length);
    long bytes =
        cudnn.cudnnGetConvolutionForwardWorkspaceSize(handle, xDesc, wDesc, convolution, yDesc, 1);
    assertFails(
        2000,
        () ->
            cudnn.cudnnConvolutionForward(
                handle,
                1,
                xDesc,
                devX,
                wDesc,
                devW,
                convolution,
                1,
                fixture.workspace,
                bytes - 1,
                0,
                yDesc,
                devY));
    // What lies in the workspace is lost, here the filters.
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(
            () ->
                cudnn.cudnnConvolutionForward(
                    handle,
                    1,
                    xDesc,
                    devX,
                    wDesc,
                    devW,
                    convolution,
                    0,
                    devW,
                    4L * w.length,
                    0,
                    yDesc,
                    devY))
        .withMessageContaining("cudnnConvolutionForward: ");
  }

  @Test
  void measuringOverwritesTheOutputAndIsNotRecorded() {
    long devX = fixture.put(x);
    long devW = fixture.put(w);
    long devY = fixture.put(dy);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment results = arena.allocate(4 * CudnnPerformance.BYTES, 8);
      int count = find(devX, devW, devY, results, LibraryFixture.WORKSPACE_BYTES);
      List<CudnnPerformance> found = CudnnPerformance.read(results, count);
      assertThat(found).extracting(CudnnPerformance::status).containsExactly(0, 0, 3000);
      assertThat(find(devX, devW, devY, results, 0)).isEqualTo(2);
      assertThatExceptionOfType(EmulatorFault.class).isThrownBy(() -> fixture.get(devY));
      assertNotEmulated(
          "measuring", () -> fixture.replay(1, () -> find(devX, devW, devY, results, 0)));
    }
  }

  private int find(long devX, long devW, long devY, MemorySegment results, long bytes) {
    return cudnn.cudnnFindConvolutionForwardAlgorithmEx(
        handle,
        xDesc,
        devX,
        wDesc,
        devW,
        convolution,
        yDesc,
        devY,
        results,
        fixture.workspace,
        bytes);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    long devX = fixture.put(x);
    long devW = fixture.put(w);
    long devY = fixture.allocate(dy.length);
    long fitting = yDesc;
    yDesc = tensor(0, IMAGES, OUT, OUT_HEIGHT, OUT_WIDTH + 1);
    assertFails(2000, () -> forward(devX, devW, 0, 0, devY));
    yDesc = tensor(1, IMAGES, OUT, OUT_HEIGHT, OUT_WIDTH);
    assertNotEmulated("formats", () -> forward(devX, devW, 0, 0, devY));
    yDesc = fitting;
    assertNotEmulated("algorithm 6", () -> forward(devX, devW, 6, 0, devY));
    assertFails(3000, () -> forward(devX, devW, 7, 0, devY)); // Winograd, but not 3x3
    cudnn.cudnnSetConvolution2dDescriptor(convolution, 1, 2, 2, 3, 1, 2, 0, 0);
    assertNotEmulated("mode", () -> forward(devX, devW, 0, 0, devY));
    cudnn.cudnnSetStream(handle, 0);
    long shape = tensor(0, 1, 1, 1, 2);
    assertNotEmulated(
        "the default stream", () -> cudnn.cudnnAddTensor(handle, 1, shape, devX, 1, shape, devX));
    cudnn.cudnnDestroy(handle);
    assertFails(2000, () -> cudnn.cudnnSetStream(handle, fixture.stream));
    fixture.driver.cuCtxSetCurrent(0);
    assertFails(1001, cudnn::cudnnCreate);
  }
}
