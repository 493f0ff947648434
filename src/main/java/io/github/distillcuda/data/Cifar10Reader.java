package io.github.distillcuda.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Reads CIFAR-10 from a folder or an archive, in either layout, and decides whether it is the
 * official one: by the checksums of the archive or of the Python batch files. A folder of binary
 * files is unofficial, because no checksums of those are published.
 */
final class Cifar10Reader {
  private final Cifar10Release release;

  Cifar10Reader(Cifar10Release release) {
    this.release = release;
  }

  /**
   * Reads the whole set.
   *
   * @throws io.github.distillcuda.failure.DistillException naming the file and what is wrong
   */
  ImageDataset read(Cifar10Location location) {
    return switch (location) {
      case Cifar10Location.Folder folder -> readFolder(folder.path(), folder.layout());
      case Cifar10Location.Archive archive -> new ArchiveReader(release, archive.path()).read();
    };
  }

  private ImageDataset readFolder(Path folder, Cifar10Layout layout) {
    checkPresent(folder, layout);
    Cifar10Batches batches = new Cifar10Batches(release);
    List<String> sums = new ArrayList<>();
    for (int batch = 0; batch < layout.fileNames().size(); batch++) {
      Path file = folder.resolve(layout.fileNames().get(batch));
      MessageDigest md5 = ImageDataset.digest("MD5");
      try (InputStream in = new DigestInputStream(Files.newInputStream(file), md5)) {
        batches.read(layout, batch, in, Files.size(file), file);
      } catch (IOException e) {
        throw DataFault.unreadable(file, e);
      }
      sums.add(HexFormat.of().formatHex(md5.digest()));
    }
    if (layout == Cifar10Layout.PYTHON && sums.equals(release.pythonBatchMd5())) {
      return batches.dataset(Cifar10Release.NAME);
    }
    return batches.dataset(
        BinaryLayoutWriter.wroteSynthetic(folder)
            ? SyntheticDataset.NAME
            : Cifar10Release.UNOFFICIAL_NAME);
  }

  private static void checkPresent(Path folder, Cifar10Layout layout) {
    List<String> missing = new ArrayList<>();
    for (String name : layout.fileNames()) {
      Path file = folder.resolve(name);
      if (!Files.exists(file)) {
        missing.add(name);
      } else if (!Files.isRegularFile(file)) {
        String kind = Files.isDirectory(file) ? "a folder" : "something else";
        throw DataFault.invalid(file, "a file", kind, "put the batch file in its place");
      }
    }
    if (!missing.isEmpty()) {
      throw DataFault.data(
          "%s: the %s layout of CIFAR-10 is not whole, missing %s; unpack the archive again",
          folder, layout.label(), String.join(", ", missing));
    }
  }
}
