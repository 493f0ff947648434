package io.github.distillcuda.data;

import static io.github.distillcuda.data.SmallCifar10.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SyntheticDatasetTest {
  private static final int BYTES = 3072;

  @Test
  void pictureIsAFunctionOfSeedAndIndex() {
    ImageDataset large = SyntheticDataset.create(42, 1203, 207);
    ImageDataset small = SyntheticDataset.create(42, 31, 7);
    assertThat(Arrays.copyOf(bytes(large.trainImages()), 31 * BYTES))
        .isEqualTo(bytes(small.trainImages()));
    assertThat(Arrays.copyOf(bytes(large.testImages()), 7 * BYTES))
        .isEqualTo(bytes(small.testImages()));
    byte[] alone = new byte[BYTES];
    new SyntheticPicture().draw(42, 1000, 0, alone, 0);
    assertThat(Arrays.copyOfRange(bytes(large.trainImages()), 1000 * BYTES, 1001 * BYTES))
        .isEqualTo(alone);
  }

  @Test
  void otherSeedsAndTheTestSetAreOtherPictures() {
    ImageDataset set = SyntheticDataset.create(42, 10, 10);
    assertThat(bytes(set.testImages())).isNotEqualTo(bytes(set.trainImages()));
    assertThat(bytes(SyntheticDataset.create(43, 10, 10).trainImages()))
        .isNotEqualTo(bytes(set.trainImages()));
  }

  @Test
  void labelsGoRoundTheClasses() {
    ImageDataset set = SyntheticDataset.create(1, 25, 13);
    for (int row = 0; row < 25; row++) {
      assertThat(set.trainLabels()[row]).isEqualTo((byte) (row % 10));
    }
    assertThat(set.classNames()).hasSize(10).doesNotHaveDuplicates();
    assertThat(set.name()).isEqualTo("synthetic");
  }

  @Test
  void countsMustBePositive() {
    assertThatThrownBy(() -> SyntheticDataset.create(1, 0, 10))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /**
   * The same bytes on every machine and JVM; a change of the drawing must change this on purpose.
   */
  @Test
  void bytesArePinned() {
    assertThat(SyntheticDataset.create(42, 1000, 10).sha256())
        .isEqualTo("5bf068e933be0a79b8605d49cf8dbc41f8c5ed5dafc3cc3700eab7bd98696e07");
  }

  /**
   * The nearest class mean, the simplest classifier there is, must do better than a guess (10 %),
   * so that training starts at once, and stay far from solving the set.
   */
  @Test
  void notSolvedByTheNearestMean() {
    ImageDataset set = SyntheticDataset.create(42, 5000, 1000);
    byte[] train = bytes(set.trainImages());
    byte[] test = bytes(set.testImages());
    double[][] means = new double[10][BYTES];
    for (int row = 0; row < 5000; row++) {
      for (int i = 0; i < BYTES; i++) {
        means[set.trainLabels()[row]][i] += (train[row * BYTES + i] & 255) / 500.0;
      }
    }
    int right = 0;
    for (int row = 0; row < 1000; row++) {
      int nearest = 0;
      double least = Double.MAX_VALUE;
      for (int label = 0; label < 10; label++) {
        double distance = 0;
        for (int i = 0; i < BYTES; i++) {
          double d = (test[row * BYTES + i] & 255) - means[label][i];
          distance += d * d;
        }
        if (distance < least) {
          least = distance;
          nearest = label;
        }
      }
      right += nearest == set.testLabels()[row] ? 1 : 0;
    }
    // 100 of 1,000 by guessing, standard deviation 9.5
    assertThat(right).isBetween(130, 400);
  }
}
