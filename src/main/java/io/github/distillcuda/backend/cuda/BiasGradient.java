package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;

/**
 * The second stage of a bias gradient: the sum of the partial sums [count, channels] that a
 * backward kernel leaves. With one of them there is no second stage, it is the gradient.
 */
final class BiasGradient {
  private final Recording recording;
  private final CudaLayer.Place place;
  private final int count;
  private final int channels;
  private final DeviceSpan partials;

  BiasGradient(Recording recording, CudaLayer.Place place, int count, int channels) {
    this.recording = recording;
    this.place = place;
    this.count = count;
    this.channels = channels;
    partials =
        count == 1
            ? place.biasGradient().span()
            : recording.session().floats(place.name("bias partials"), (long) count * channels);
  }

  /** Returns where the first stage leaves its sums. */
  DeviceSpan partials() {
    return partials;
  }

  /** Records the second stage, if there is one. */
  void record() {
    if (count > 1) {
      recording.reads(Branch.SIDE, partials);
      recording.kernel(
          Branch.SIDE,
          place.work(LayerWork.BIAS_GRADIENT),
          recording
              .session()
              .prepare(
                  ConvolutionBlockKernels.BIAS_GRADIENT,
                  KernelSizes.of("count", count, "channels", channels))
              .bind("partials", partials)
              .bind("dBias", place.biasGradient().span()),
          place.biasGradient());
    }
  }
}
