package io.github.distillcuda.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where a CIFAR-10 lies: unpacked in a folder, or in its archive. */
sealed interface Cifar10Location {
  /** The words for what {@link #in} looks for. */
  String LOOKED_FOR =
      "data_batch_1.bin or data_batch_1 and the like, cifar-10-batches-bin/, cifar-10-batches-py/,"
          + " cifar-10-binary.tar.gz, cifar-10-python.tar.gz";

  /** Returns the folder of the batch files, or the archive. */
  Path path();

  /** Six batch files side by side. */
  record Folder(Path path, Cifar10Layout layout) implements Cifar10Location {}

  /** A {@code .tar.gz} of either layout. */
  record Archive(Path path) implements Cifar10Location {}

  /**
   * Returns what a person names: a folder that {@link #in} finds something in, or an archive.
   *
   * @throws io.github.distillcuda.failure.DistillException if nothing is there
   */
  static Cifar10Location at(Path given) {
    if (!Files.exists(given)) {
      throw DataFault.data("%s: there is no such file or folder; --data-dir must name one", given);
    }
    if (!Files.isReadable(given)) {
      throw DataFault.data("%s: permission denied; --data-dir must be readable", given);
    }
    if (!Files.isDirectory(given)) {
      return new Archive(given);
    }
    return in(given)
        .orElseThrow(
            () ->
                DataFault.invalid(
                    given,
                    "CIFAR-10 (" + LOOKED_FOR + ")",
                    "none of these",
                    "name the folder or the .tar.gz that holds it"));
  }

  /**
   * Looks into a folder: the batch files themselves, the folders that the archives unpack to, the
   * archives; the binary layout first. One batch file is enough to be found, so that a set that is
   * not whole is complained of and not passed over.
   */
  static Optional<Cifar10Location> in(Path folder) {
    for (Cifar10Layout layout : Cifar10Layout.values()) {
      for (Path candidate : new Path[] {folder, folder.resolve(layout.folderName())}) {
        if (layout.fileNames().stream().anyMatch(name -> Files.exists(candidate.resolve(name)))) {
          return Optional.of(new Folder(candidate, layout));
        }
      }
    }
    for (Cifar10Layout layout : Cifar10Layout.values()) {
      Path archive = folder.resolve(layout.archiveName());
      if (Files.exists(archive)) {
        return Optional.of(new Archive(archive));
      }
    }
    return Optional.empty();
  }
}
