package io.github.distillcuda.data;

import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.Shape;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * A training and a test set of 32x32 colour pictures with a class each, in host memory.
 *
 * <p>Images are unsigned bytes, NCHW: picture after picture, each 1,024 red, 1,024 green and 1,024
 * blue values, row by row. Labels are class ids below the number of class names. Images are an
 * array or a file that is mapped, and are handed out without copying (153.6 MB of CIFAR-10): for
 * reading. The array of labels must not be changed.
 */
public final class ImageDataset {
  /** The shape of one picture, [channels, height, width]. */
  public static final Shape IMAGE_SHAPE = Shape.of(3, 32, 32);

  static final int IMAGE_BYTES = 3 * 32 * 32;

  private final String name;
  private final List<String> classNames;
  private final LabelledImages train;
  private final LabelledImages test;
  private final String knownSha256;

  ImageDataset(String name, List<String> classNames, LabelledImages train, LabelledImages test) {
    this(name, classNames, train, test, null);
  }

  /**
   * A data set that was hashed before.
   *
   * @param knownSha256 what {@link #sha256} would compute; null if nobody has
   */
  ImageDataset(
      String name,
      List<String> classNames,
      LabelledImages train,
      LabelledImages test,
      String knownSha256) {
    this.name = name;
    this.classNames = List.copyOf(classNames);
    this.train = train;
    this.test = test;
    this.knownSha256 = knownSha256;
  }

  /** Returns {@code cifar10}, {@code cifar10 (unofficial files)} or {@code synthetic}. */
  public String name() {
    return name;
  }

  /** Returns the names of the classes, by label. */
  public List<String> classNames() {
    return classNames;
  }

  /** Returns the number of training images. */
  public int trainCount() {
    return train.labels().length;
  }

  /** Returns the number of test images. */
  public int testCount() {
    return test.labels().length;
  }

  /** Returns the training images, [trainCount, 3, 32, 32]; not a copy, read-only. */
  public ByteBuffer trainImages() {
    return train.images().asReadOnlyBuffer();
  }

  /** Returns the training labels, [trainCount]; not a copy. */
  public byte[] trainLabels() {
    return train.labels();
  }

  /** Returns the test images, [testCount, 3, 32, 32]; not a copy, read-only. */
  public ByteBuffer testImages() {
    return test.images().asReadOnlyBuffer();
  }

  /** Returns the test labels, [testCount]; not a copy. */
  public byte[] testLabels() {
    return test.labels();
  }

  /**
   * Returns this set with its first {@code count} training images only; the test set stays.
   *
   * @throws io.github.distillcuda.failure.DistillException with {@link ExitCode#USAGE} if there are
   *     not that many
   */
  public ImageDataset subset(int count) {
    if (count < 1 || count > trainCount()) {
      throw DataFault.fault(
          ExitCode.USAGE,
          "--subset %d: the training set has %d images, so 1 to %d are allowed",
          count,
          trainCount(),
          trainCount());
    }
    if (count == trainCount()) {
      return this;
    }
    return new ImageDataset(name, classNames, train.first(count), test);
  }

  /**
   * Returns the SHA-256 of the training set in lower-case hex, over each label followed by its
   * image: what {@code cat data_batch_[1-5].bin | sha256sum} prints for the whole set in the binary
   * layout. Unless it came with the images it is computed, which takes about 0.1 to 0.5 s for
   * CIFAR-10 at each call.
   */
  public String sha256() {
    if (knownSha256 != null) {
      return knownSha256;
    }
    MessageDigest digest = digest("SHA-256");
    byte[] image = new byte[IMAGE_BYTES];
    for (int i = 0; i < trainCount(); i++) {
      digest.update(train.labels()[i]);
      train.copyImage(i, image);
      digest.update(image);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Returns this set with its SHA-256, so that {@link #sha256} need not compute it again. */
  ImageDataset hashed() {
    return new ImageDataset(name, classNames, train, test, sha256());
  }

  /** Every Java platform has MD5 and SHA-256. */
  static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
