package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.emulator.library.LibraryFixture.assertFails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each rule of native-notes/emulated-device.md for what stands between cuDNN's convolutions. */
class EmulatedCudnnLayersTest {
  private final LibraryFixture fixture = new LibraryFixture();
  private final CudnnApi cudnn = EmulatedCudnn.on(fixture.device);
  private long handle;

  @BeforeEach
  void open() {
    handle = cudnn.cudnnCreate();
    cudnn.cudnnSetStream(handle, fixture.stream);
  }

  private long tensor(int n, int c, int h, int width) {
    long tensor = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(
        tensor, CudnnConstants.CUDNN_TENSOR_NCHW, CudnnConstants.CUDNN_DATA_FLOAT, n, c, h, width);
    return tensor;
  }

  private long activation(int mode) {
    long activation = cudnn.cudnnCreateActivationDescriptor();
    cudnn.cudnnSetActivationDescriptor(activation, mode, CudnnConstants.CUDNN_PROPAGATE_NAN, 0);
    return activation;
  }

  @Test
  void theFirstMaximumOfAWindowGetsTheGradient() {
    long pooling = pooling(CudnnConstants.CUDNN_PROPAGATE_NAN);
    long in = tensor(1, 1, 2, 4);
    long out = tensor(1, 1, 1, 2);
    long devX = fixture.put(1, 5, 2, 0, 5, 5, 0, 2);
    long devY = fixture.allocate(2);
    long devDx = fixture.allocate(8);
    cudnn.cudnnPoolingForward(handle, pooling, 1, in, devX, 0, out, devY);
    assertThat(fixture.get(devY)).containsExactly(5, 2);
    cudnn.cudnnPoolingBackward(
        handle, pooling, 1, out, devY, out, fixture.put(7, 9), in, devX, 0, in, devDx);
    assertThat(fixture.get(devDx)).containsExactly(0, 7, 9, 0, 0, 0, 0, 0);
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                cudnn.cudnnPoolingBackward(
                    handle, pooling, 1, out, fixture.put(5, 0), out, devY, in, devX, 0, in, devDx))
        .withMessageContaining("y[1] = 0.0 is not the largest of its window of x");
  }

  private long pooling(int nanPropagation) {
    long pooling = cudnn.cudnnCreatePoolingDescriptor();
    cudnn.cudnnSetPooling2dDescriptor(
        pooling, CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC, nanPropagation, 2, 2, 0, 0, 2, 2);
    return pooling;
  }

  @Test
  void nanGoesOnWhereItIsToldTo() {
    long in = tensor(1, 1, 2, 2);
    long out = tensor(1, 1, 1, 1);
    long devX = fixture.put(1, Float.NaN, 2, 0);
    long devY = fixture.allocate(1);
    long relu = cudnn.cudnnCreateActivationDescriptor();
    long devZ = fixture.allocate(4);
    for (int propagate = 0; propagate <= 1; propagate++) {
      cudnn.cudnnPoolingForward(handle, pooling(propagate), 1, in, devX, 0, out, devY);
      assertThat(fixture.get(devY)).containsExactly(propagate == 1 ? Float.NaN : 2);
      cudnn.cudnnSetActivationDescriptor(relu, 1, propagate, 0);
      cudnn.cudnnActivationForward(handle, relu, 1, in, devX, 0, in, devZ);
      assertThat(fixture.get(devZ)).containsExactly(1, propagate == 1 ? Float.NaN : 0, 2, 0);
    }
  }

  @Test
  void activationsMayBeInPlaceAndTheIdentityIsNone() {
    long relu = activation(CudnnConstants.CUDNN_ACTIVATION_RELU);
    long shape = tensor(1, 2, 1, 2);
    long devX = fixture.put(-1, 0, 3, 4);
    long devDy = fixture.put(1, 2, 3, 4);
    cudnn.cudnnActivationForward(handle, relu, 1, shape, devX, 0, shape, devX);
    assertThat(fixture.get(devX)).containsExactly(0, 0, 3, 4);
    cudnn.cudnnActivationBackward(
        handle, relu, 1, shape, devX, shape, devDy, shape, devX, 0, shape, devDy);
    assertThat(fixture.get(devDy)).containsExactly(0, 0, 3, 4);
    assertFails(
        2000,
        () ->
            cudnn.cudnnActivationForward(
                handle, activation(EmulatedCudnn.IDENTITY), 1, shape, devX, 0, shape, devX));
    long channelsLast = cudnn.cudnnCreateTensorDescriptor();
    cudnn.cudnnSetTensor4dDescriptor(channelsLast, CudnnConstants.CUDNN_TENSOR_NHWC, 0, 1, 2, 1, 2);
    assertFails(
        2000,
        () -> cudnn.cudnnActivationForward(handle, relu, 1, shape, devX, 0, channelsLast, devX));
  }

  @Test
  void sumsOverImagesAndTheirReverse() {
    long out = tensor(2, 2, 1, 2);
    long bias = tensor(1, 2, 1, 1);
    long devDy = fixture.put(1, 2, 3, 4, 5, 6, 7, 8);
    long devDb = fixture.allocate(2);
    cudnn.cudnnConvolutionBackwardBias(handle, 1, out, devDy, 0, bias, devDb);
    assertThat(fixture.get(devDb)).containsExactly(14, 22);
    cudnn.cudnnAddTensor(handle, 1, bias, devDb, 1, out, devDy);
    assertThat(fixture.get(devDy)).containsExactly(15, 16, 25, 26, 19, 20, 29, 30);
    long other = tensor(2, 3, 1, 2);
    assertFails(2000, () -> cudnn.cudnnAddTensor(handle, 1, other, devDb, 1, out, devDy));
  }

  @Test
  void theGradientOfABiasIsForFloat32() {
    long out = cudnn.cudnnCreateTensorDescriptor();
    long bias = cudnn.cudnnCreateTensorDescriptor();
    int nhwc = CudnnConstants.CUDNN_TENSOR_NHWC;
    int bfloat16 = CudnnConstants.CUDNN_DATA_BFLOAT16;
    cudnn.cudnnSetTensor4dDescriptor(out, nhwc, bfloat16, 1, 2, 1, 1);
    cudnn.cudnnSetTensor4dDescriptor(bias, nhwc, bfloat16, 1, 2, 1, 1);
    long two = fixture.put(1);
    assertFails(3000, () -> cudnn.cudnnConvolutionBackwardBias(handle, 1, out, two, 0, bias, two));
  }

  @Test
  void aCallIsANodeOfARecording() {
    long shape = tensor(1, 1, 1, 2);
    long one = fixture.put(1, 2);
    long sum = fixture.put(0, 0);
    fixture.replay(3, () -> cudnn.cudnnAddTensor(handle, 1, shape, one, 1, shape, sum));
    assertThat(fixture.get(sum)).containsExactly(3, 6);
  }
}
