package io.github.distillcuda.data;

import static io.github.distillcuda.data.BinaryLayoutTest.assertFault;
import static io.github.distillcuda.data.SmallCifar10.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.data.SmallCifar10.Tar;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchiveReaderTest {
  private static final String FOLDER = "cifar-10-batches-bin/";

  private final SmallCifar10 small = new SmallCifar10(3);

  @TempDir Path temp;

  private ImageDataset read(byte[] archive) throws IOException {
    Path file = Files.write(temp.resolve("cifar-10-binary.tar.gz"), archive);
    return new Cifar10Reader(small.release()).read(Cifar10Location.at(file));
  }

  private void assertRefused(byte[] archive, String... words) {
    assertThatThrownBy(() -> read(archive))
        .satisfies(
            e -> {
              assertFault(e, words);
              assertThat(e).message().startsWith(temp.toString());
            });
    assertThat(temp).isDirectoryNotContaining(path -> !path.toString().endsWith(".tar.gz"));
  }

  private void assertRefused(Tar tar, String... words) {
    assertRefused(tar.gzip(), words);
  }

  @Test
  void bothLayoutsReadAndAreOfficialByTheirChecksums() throws IOException {
    for (byte[] archive : new byte[][] {small.binaryTar().gzip(), small.pythonTar().gzip()}) {
      ImageDataset set = read(archive);
      assertThat(set.name()).isEqualTo("cifar10");
      assertThat(set.trainLabels()).isEqualTo(small.trainLabels());
      assertThat(bytes(set.trainImages())).isEqualTo(small.trainImages());
      assertThat(set.testLabels()).isEqualTo(small.labels[5]);
      assertThat(bytes(set.testImages())).isEqualTo(small.pixels[5]);
    }
  }

  @Test
  void sameContentInAnotherArchiveIsUnofficial() throws IOException {
    byte[] archive = small.binaryTar().file("extra", new byte[10]).gzip();
    assertThat(read(archive).name()).isEqualTo("cifar10 (unofficial files)");
    byte[] trailing = small.binaryTar().gzip();
    assertThat(read(Arrays.copyOf(trailing, trailing.length + 1)).name())
        .isEqualTo("cifar10 (unofficial files)");
  }

  /** GNU tar's own format, as the official archives have it. */
  @Test
  void readsWhatTarWrites() throws IOException, InterruptedException {
    boolean tarIsHere =
        Files.isExecutable(Path.of("/usr/bin/tar")) || Files.isExecutable(Path.of("/bin/tar"));
    assumeTrue(tarIsHere, "no tar here to make an archive with");
    SmallCifar10.write(temp.resolve(FOLDER), small.binaryFiles());
    for (String format : new String[] {"gnu", "oldgnu", "ustar"}) {
      Path archive = temp.resolve(format + ".tar.gz");
      Process tar =
          new ProcessBuilder("tar", "--format=" + format, "-czf", archive.toString(), FOLDER)
              .directory(temp.toFile())
              .inheritIO()
              .start();
      assertThat(tar.waitFor()).isZero();
      ImageDataset set = new Cifar10Reader(small.release()).read(Cifar10Location.at(archive));
      assertThat(bytes(set.trainImages())).isEqualTo(small.trainImages());
    }
  }

  @Test
  void whatIsNoArchiveIsSaid() throws IOException {
    byte[] page = "<!DOCTYPE html><title>503</title>".getBytes(StandardCharsets.UTF_8);
    assertRefused(page, "expected a .tar.gz, got an HTML page");
    assertRefused(new byte[0], "got an empty file");
    assertRefused(new byte[] {0x1F}, "got something else");
    assertRefused(Tar.gzip(new byte[100]), "expected a whole archive");
    assertRefused(Tar.gzip(new byte[1024]), "cifar-10-batches-bin/", "got neither");
    assertRefused(Tar.gzip("x".repeat(2000).getBytes(StandardCharsets.UTF_8)), "octal number");
    assertThatThrownBy(() -> new ArchiveReader(small.release(), Path.of("/dev/null")).read())
        .satisfies(e -> assertFault(e, "expected a .tar.gz file"));
  }

  @Test
  void truncatedAnywhereIsRefused() {
    byte[] archive = small.binaryTar().gzip();
    for (int part = 1; part < 64; part++) {
      assertRefused(Arrays.copyOf(archive, archive.length * part / 64), "expected a whole");
    }
    assertRefused(Arrays.copyOf(archive, archive.length - 1), "expected a whole .tar.gz");
    assertRefused(Tar.gzip(small.binaryTar().withoutEnd()), "expected a whole archive");
  }

  @Test
  void oneBlockOfZerosIsNoEnd() {
    byte[] members = small.binaryTar().withoutEnd();
    byte[] archive = Arrays.copyOf(members, members.length + 1024);
    archive[members.length + 512] = 'x';
    assertRefused(Tar.gzip(archive), "two blocks of zeros at the end, got one");
  }

  @Test
  void flippedBitIsFoundByTheChecksumOfGzip() {
    byte[] archive = small.binaryTar().gzip();
    archive[archive.length - 6] ^= 1; // in the CRC
    assertRefused(archive, "expected a whole .tar.gz");
  }

  @Test
  void aNameThatWouldSteerATerminalIsEscaped() {
    String name = "a\n\u009b2J\u202eb";
    assertRefused(
        small.binaryTar().file(name, new byte[0]).file(name, new byte[0]),
        "got a\\u{00000a}\\u{00009b}2J\\u{00202e}b twice");
  }

  @Test
  void missingDoubledAndMixedFilesAreRefused() throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>(small.binaryFiles());
    byte[] batch = files.remove("data_batch_2.bin");
    Tar without = new Tar();
    files.forEach((name, content) -> without.file(FOLDER + name, content));
    assertRefused(
        without, "expected six batch files, got no cifar-10-batches-bin/data_batch_2.bin");
    assertRefused(
        small.binaryTar().file(FOLDER + "data_batch_2.bin", batch), "data_batch_2.bin twice");
    byte[] python = small.pythonFiles().get("test_batch");
    assertRefused(
        small.binaryTar().file("cifar-10-batches-py/test_batch", python), "files of both");
    // only the exact names count
    assertRefused(without.file("data_batch_2.bin", batch), "got no ");
    assertRefused(without.file("x/" + FOLDER + "data_batch_2.bin", batch), "got no ");
    assertRefused(without.folder(FOLDER + "data_batch_2.bin"), "got no ");
  }

  @Test
  void wrongSizesAndLabelsNameTheMember() {
    for (int size : new int[] {0, 12_291, 12_293}) {
      Tar tar = new Tar().file(FOLDER + "data_batch_1.bin", new byte[size]);
      assertRefused(tar, "(cifar-10-batches-bin/data_batch_1.bin)", "expected 12,292 bytes");
    }
    byte[] batch = small.binaryFiles().get("data_batch_1.bin");
    batch[3073] = 77;
    Tar tar = new Tar().file(FOLDER + "data_batch_1.bin", batch);
    assertRefused(tar, "data_batch_1.bin), record 1 (from 0)", "got 77");
  }

  @Test
  void namesThatLeadOutAreRefused() {
    for (String name : new String[] {"../evil", "/etc/passwd", "a/../../b", ".."}) {
      assertRefused(small.binaryTar().file(name, new byte[1]), "names inside the archive", name);
    }
  }

  @Test
  void linksDevicesAndExtendedHeadersAreRefused() {
    for (char type : new char[] {'1', '2', '3', '4', '6', '7', 'x', 'g', 'L', 'K', 'S', '\u0001'}) {
      Tar tar = small.binaryTar().member(FOLDER + "link", type, 0, new byte[0]);
      assertRefused(tar, "files and folders only", FOLDER + "link");
    }
  }

  @Test
  void lyingHeadersAreRefused() {
    assertRefused(small.binaryTar().member("a", '0', 100_000, new byte[10]), "a whole archive");
    assertRefused(small.binaryTar().member("a", '5', 512, new byte[512]), "an empty entry");
    assertRefused(
        small.binaryTar().member("a", '0', 300_000_000, new byte[10]), "at most 200000000 bytes");
    byte[] base256 = new byte[512];
    base256[0] = 'a';
    base256[124] = (byte) 0x80;
    base256[135] = 1;
    base256[156] = '0';
    assertRefused(small.binaryTar().header(base256), "octal number in the header of a");
    byte[] archive = small.binaryTar().member("a", '0', 0, new byte[0]).withoutEnd();
    byte[] wrongSum = Arrays.copyOf(archive, archive.length + 1024);
    wrongSum[archive.length - 512] = 'b';
    assertRefused(Tar.gzip(wrongSum), "a wrong header checksum");
  }

  /** 300 MB of zeros in 300 kB: before, in and after what the archive says it holds. */
  @Test
  void bombsEndAtTheLimit() {
    byte[] zeros = new byte[220_000_000];
    assertRefused(new Tar().member("zeros", '0', zeros.length, zeros), "at most 200000000 bytes");
    byte[] members = small.binaryTar().withoutEnd();
    byte[] after = Arrays.copyOf(members, members.length + zeros.length);
    assertRefused(Tar.gzip(after), "at most 200000000 bytes");
    Tar many = new Tar();
    for (int i = 0; i < 200; i++) {
      many.file("f" + i, new byte[0]);
    }
    assertRefused(many, "at most 100 members");
  }
}
