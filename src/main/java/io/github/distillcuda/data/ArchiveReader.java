package io.github.distillcuda.data;

import io.github.distillcuda.data.Cifar10Release.PublishedArchive;
import io.github.distillcuda.failure.Printable;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads a {@code .tar.gz} of CIFAR-10 in one pass, without unpacking it anywhere: six members by
 * their exact names, in any order, everything else skipped.
 */
final class ArchiveReader {
  /** The official archives unpack to 184 and 186 MB. */
  static final long MOST_UNPACKED_BYTES = 200_000_000;

  /** The official archives have nine. */
  private static final int MOST_MEMBERS = 100;

  private static final String REMEDY = "delete it and download the official archive again";

  private final Cifar10Release release;
  private final Path file;
  private Cifar10Layout layout;

  ArchiveReader(Cifar10Release release, Path file) {
    this.release = release;
    this.file = file;
  }

  /** Reads the set, and names it by the archive's checksums. */
  ImageDataset read() {
    if (!Files.isRegularFile(file)) {
      throw DataFault.invalid(file, "a .tar.gz file", "something else", "name the archive itself");
    }
    MessageDigest md5 = ImageDataset.digest("MD5");
    MessageDigest sha256 = ImageDataset.digest("SHA-256");
    try (InputStream raw = Files.newInputStream(file);
        InputStream in =
            new BufferedInputStream(
                new DigestInputStream(new DigestInputStream(raw, md5), sha256), 1 << 16)) {
      checkBeginning(in);
      Cifar10Batches batches = readMembers(new GZIPInputStream(in, 1 << 16));
      PublishedArchive official = release.archive(layout);
      boolean isOfficial = official.isOf(Files.size(file), md5.digest(), sha256.digest());
      return batches.dataset(isOfficial ? Cifar10Release.NAME : Cifar10Release.UNOFFICIAL_NAME);
    } catch (EOFException | ZipException e) {
      throw DataFault.invalid(file, "a whole .tar.gz", Printable.reason(e), REMEDY);
    } catch (IOException e) {
      throw DataFault.unreadable(file, e);
    }
  }

  /** Error pages of servers get saved under the archive's name; say so and not "not in gzip". */
  private void checkBeginning(InputStream in) throws IOException {
    in.mark(2);
    int first = in.read();
    int second = in.read();
    in.reset();
    if (first != 0x1F || second != 0x8B) {
      String got = first < 0 ? "an empty file" : first == '<' ? "an HTML page" : "something else";
      throw DataFault.invalid(file, "a .tar.gz", got, REMEDY);
    }
  }

  private Cifar10Batches readMembers(InputStream unzipped) throws IOException {
    Cifar10Batches batches = new Cifar10Batches(release);
    TarReader tar = new TarReader(unzipped, file, MOST_UNPACKED_BYTES);
    int members = 0;
    Set<String> seen = new TreeSet<>();
    for (TarReader.Member member = tar.next(); member != null; member = tar.next()) {
      if (++members > MOST_MEMBERS) {
        throw DataFault.invalid(file, "at most " + MOST_MEMBERS + " members", "more", REMEDY);
      }
      if (member.isFile() && !seen.add(member.name())) {
        throw DataFault.invalid(file, "each file once", member.name() + " twice", REMEDY);
      }
      Cifar10Layout memberLayout = layoutOf(member);
      if (memberLayout == null) {
        continue;
      }
      if (layout != null && layout != memberLayout) {
        throw DataFault.invalid(file, "one layout", "files of both", REMEDY);
      }
      layout = memberLayout;
      int batch = memberNames(layout).indexOf(member.name());
      batches.read(
          layout, batch, tar.content(), member.byteCount(), file + " (" + member.name() + ")");
    }
    tar.drain();
    checkWhole(seen);
    return batches;
  }

  private static Cifar10Layout layoutOf(TarReader.Member member) {
    for (Cifar10Layout candidate : Cifar10Layout.values()) {
      if (member.isFile() && memberNames(candidate).contains(member.name())) {
        return candidate;
      }
    }
    return null;
  }

  private static List<String> memberNames(Cifar10Layout layout) {
    return layout.fileNames().stream().map(name -> layout.folderName() + "/" + name).toList();
  }

  private void checkWhole(Set<String> seen) {
    if (layout == null) {
      throw DataFault.invalid(
          file, "cifar-10-batches-bin/ or cifar-10-batches-py/ in it", "neither", REMEDY);
    }
    List<String> missing = new ArrayList<>(memberNames(layout));
    missing.removeAll(seen);
    if (!missing.isEmpty()) {
      throw DataFault.invalid(file, "six batch files", "no " + String.join(", ", missing), REMEDY);
    }
  }
}
