package io.github.distillcuda.cuda.dnn;

/**
 * The shape of a batch of images, [batch, channels, height, width], or of rows of features with a
 * height and a width of 1.
 */
public record ImageShape(int batch, int channels, int height, int width) {
  /** Returns the shape of rows of features. */
  public static ImageShape rows(int batch, int features) {
    return new ImageShape(batch, features, 1, 1);
  }

  /** Returns the shape of one number a channel, which is repeated over the rest. */
  ImageShape perChannel() {
    return new ImageShape(1, channels, 1, 1);
  }

  /** Returns the shape after a 2x2 pooling. */
  public ImageShape halved() {
    return new ImageShape(batch, channels, height / 2, width / 2);
  }
}
