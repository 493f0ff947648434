package io.github.distillcuda.train;

import io.github.distillcuda.data.ArrayDataset;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.nn.Architecture;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** A few noisy images whose class shows in their brightest rows: learnable in a few steps. */
final class TinyData {
  static final Architecture TEACHER = new Architecture(8, 12, 16, 10);
  static final Architecture STUDENT = new Architecture(4, 6, 8, 10);

  private TinyData() {}

  static ImageDataset of(int train, int test) {
    SplittableRandom random = new SplittableRandom(7);
    byte[] trainLabels = new byte[train];
    byte[] testLabels = new byte[test];
    byte[] trainImages = images(trainLabels, random);
    byte[] testImages = images(testLabels, random);
    List<String> names = IntStream.range(0, 10).mapToObj(c -> "rows " + 3 * c).toList();
    return ArrayDataset.of("tiny", names, trainImages, trainLabels, testImages, testLabels);
  }

  private static byte[] images(byte[] labels, SplittableRandom random) {
    int pixels = Architecture.IMAGE.elements();
    byte[] images = new byte[labels.length * pixels];
    random.nextBytes(images);
    for (int i = 0; i < labels.length; i++) {
      labels[i] = (byte) random.nextInt(10);
      for (int channel = 0; channel < 3; channel++) {
        int rows = i * pixels + channel * 1024 + 3 * labels[i] * 32;
        for (int x = 0; x < 96; x++) {
          images[rows + x] = (byte) (200 + random.nextInt(56));
        }
      }
    }
    return images;
  }
}
