package io.github.distillcuda.data;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The built-in set of ten classes of drawn patterns, for machines without CIFAR-10: a function of
 * the seed alone, so that two runs on two machines train on the same bytes. How hard it is was
 * measured: see native-notes/formats.md.
 */
public final class SyntheticDataset {
  /** The name that results carry. */
  public static final String NAME = "synthetic";

  /** The sizes of CIFAR-10. */
  public static final int TRAIN_COUNT = 50_000;

  /** The sizes of CIFAR-10. */
  public static final int TEST_COUNT = 10_000;

  static final List<String> CLASS_NAMES = List.of(SyntheticPicture.PATTERNS);

  /** Where test pictures are numbered from: the test set does not depend on the training set. */
  private static final long FIRST_TEST_PICTURE = 1L << 32;

  private static final int PICTURES_PER_TASK = 500;

  private SyntheticDataset() {}

  /** Draws the set of {@code seed} in the sizes of CIFAR-10. */
  public static ImageDataset create(long seed) {
    return create(seed, TRAIN_COUNT, TEST_COUNT);
  }

  /**
   * Draws the first pictures of the set of {@code seed}. A smaller set is the beginning of a larger
   * one; labels go round through the ten classes.
   *
   * @throws IllegalArgumentException if a count is not positive
   */
  public static ImageDataset create(long seed, int trainCount, int testCount) {
    if (trainCount < 1 || testCount < 1) {
      throw new IllegalArgumentException(trainCount + " training, " + testCount + " test pictures");
    }
    byte[] train = LabelledImages.allocate(trainCount);
    byte[] test = LabelledImages.allocate(testCount);
    draw(seed, 0, train);
    draw(seed, FIRST_TEST_PICTURE, test);
    return of(ByteBuffer.wrap(train), ByteBuffer.wrap(test), null);
  }

  /**
   * Returns the set whose pictures have been drawn.
   *
   * @param sha256 of the training set; null if nobody has computed it
   */
  static ImageDataset of(ByteBuffer train, ByteBuffer test, String sha256) {
    return new ImageDataset(NAME, CLASS_NAMES, labelled(train), labelled(test), sha256);
  }

  private static LabelledImages labelled(ByteBuffer images) {
    byte[] labels = new byte[images.capacity() / ImageDataset.IMAGE_BYTES];
    for (int row = 0; row < labels.length; row++) {
      labels[row] = (byte) label(row);
    }
    return new LabelledImages(images, labels);
  }

  private static int label(int row) {
    return row % CLASS_NAMES.size();
  }

  /**
   * Returns whether a set was drawn as this program does, judged by the first pictures, one of each
   * class.
   */
  static boolean isDrawn(ImageDataset set, long seed) {
    int pictures = Math.min(set.trainCount(), CLASS_NAMES.size());
    ByteBuffer drawn = create(seed, pictures, 1).trainImages();
    return drawn.equals(set.trainImages().slice(0, drawn.capacity()));
  }

  private static void draw(long seed, long firstPicture, byte[] images) {
    int count = images.length / ImageDataset.IMAGE_BYTES;
    int tasks = Math.ceilDiv(count, PICTURES_PER_TASK);
    IntStream.range(0, tasks)
        .parallel()
        .forEach(
            task -> {
              SyntheticPicture picture = new SyntheticPicture();
              int end = Math.min(count, (task + 1) * PICTURES_PER_TASK);
              for (int row = task * PICTURES_PER_TASK; row < end; row++) {
                picture.draw(
                    seed, firstPicture + row, label(row), images, row * ImageDataset.IMAGE_BYTES);
              }
            });
  }
}
