package io.github.distillcuda.data;

import java.util.List;

/** A data set over arrays, for tests. */
public final class ArrayDataset {
  private ArrayDataset() {}

  /** Images are [count, 3, 32, 32], class names by label. */
  public static ImageDataset of(
      String name,
      List<String> classNames,
      byte[] trainImages,
      byte[] trainLabels,
      byte[] testImages,
      byte[] testLabels) {
    return new ImageDataset(
        name,
        classNames,
        LabelledImages.of(trainImages, trainLabels),
        LabelledImages.of(testImages, testLabels));
  }
}
