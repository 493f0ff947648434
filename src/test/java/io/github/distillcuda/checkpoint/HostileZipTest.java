package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Archives that torch may load or not, each with one thing wrong, and the reason we give. */
class HostileZipTest {
  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @MethodSource({"containers", "entries", "contents"})
  void isRefused(String what, byte[] content, String reason) throws IOException {
    Refusal.check(folder, content, reason);
  }

  static Stream<Arguments> containers() {
    byte[] valid = ForgedZip.valid().bytes();
    int length = valid.length;
    return Stream.of(
        bytes("empty", new byte[0], "too few for .pth and .safetensors"),
        bytes("four bytes", Arrays.copyOf(valid, 4), "truncated"),
        bytes("half", Arrays.copyOf(valid, length / 2), "truncated"),
        bytes("five bytes short", Arrays.copyOf(valid, length - 5), "truncated"),
        bytes("a byte behind it", Arrays.copyOf(valid, length + 1), "something behind it"),
        bytes("a bit flipped", flipped(valid, indexOf(valid, 0x40) + 2), "CRC does not match"),
        bytes("twice in a row", concat(valid, valid), "contradict"),
        forged("comment", zip -> zip.comment = new byte[] {'x'}, "something behind it"),
        bytes("comment of nothing", commented(valid), "several parts or a comment"),
        forged("bytes between", zip -> zip.entry("version").before = new byte[9], "no entry"),
        forged("bytes before directory", zip -> zip.beforeDirectory = new byte[3], "no entry"),
        forged("fewer entries", zip -> zip.entriesClaimed = 3, "longer than its entries"),
        forged("more entries", zip -> zip.entriesClaimed = 5, "damaged at entry 4"),
        forged("65535 entries", zip -> zip.entriesClaimed = 0xffff, "damaged at entry 4"),
        forged("directory size", zip -> zip.directorySizeClaimed = 9, "does not lie where"),
        forged("zip64 count", zip -> zip.zip64EntriesClaimed = 2, "contradict"),
        forged("zip64 elsewhere", zip -> zip.locatorClaimed = 12, "contradict"),
        forged("second disk", zip -> zip.disk = 1, "several parts"),
        forged("no entries", zip -> zip.entries.clear(), "truncated or not safetensors"));
  }

  static Stream<Arguments> entries() {
    return Stream.of(
        entry("deflated", "0", e -> e.method = 8, "is compressed"),
        entry("packed size", "0", e -> e.packed = 20, "is compressed"),
        entry("encrypted", "0", e -> e.flags |= 1, "encrypted or has unknown flags"),
        entry("patched data", "0", e -> e.flags |= 1 << 5, "encrypted or has unknown flags"),
        entry("local name", "0", e -> e.localName = ForgedZip.ascii("m/data/1"), "two ways"),
        entry("local flags", "0", e -> e.localFlags = 0x800, "two ways"),
        entry("local method", "0", e -> e.localMethod = 8, "two ways"),
        entry("local size", "0", e -> e.localSize = 4, "two ways"),
        entry("local crc", "0", e -> e.localCrc = 4, "two ways"),
        entry("descriptor size", "0", e -> e.descriptorSize = 4, "two ways"),
        entry("no descriptor", "0", e -> e.descriptorSignature = 7, "two ways"),
        entry("wrong crc", "0", e -> e.crc = 4, "CRC does not match"),
        entry("size 4 GiB", "0", e -> e.size = 0xffffffffL, "larger than the file"),
        entry("size too large", "0", e -> e.size = 1 << 20, "larger than the file"),
        entry("size past the entries", "0", e -> e.size = 400, "runs past"),
        entry("size too small", "0", e -> e.size = 20, "two ways"),
        entry("header past the file", "0", e -> e.header = 1 << 30, "larger than the file"),
        entry("header in data", "0", e -> e.header = 70, "belong to no entry or to two"),
        entry("header of another", "0", e -> e.header = 0, "belong to no entry or to two"),
        entry("extra past the file", "0", e -> e.localExtraClaimed = 0xffff, "runs past"),
        entry("folder", "0", e -> e.attributes = 0x10, "marked as a folder"),
        entry("comment", "0", e -> e.comment = new byte[] {'x'}, "comment"),
        named("../../evil", "has an entry with the path ../../evil"),
        named("/etc/passwd", "has an entry with the path /etc/passwd"),
        named("m//0", "has an entry with the path m//0"),
        named("m/./0", "has an entry with the path m/./0"),
        named("m/data/", "has an entry with the path m/data/"),
        named("m\\data", "has an entry with the path m\\data"),
        named("m/a\nb", "has an entry with the path m/a\\u{00000a}b"),
        named("m/\u001b[31m", "has an entry with the path m/\\u{00001b}[31m"),
        named("m/\u00ff", "name is not UTF-8"),
        named("other/data/0", "do not lie in one folder"),
        named("data", "do not lie in one folder"));
  }

  static Stream<Arguments> contents() {
    return Stream.of(
        forged("data.pkl twice", HostileZipTest::doublePickle, "two entries named m/data.pkl"),
        forged("no data.pkl", zip -> zip.entries.removeFirst(), "not one of torch.save"),
        forged(
            "pickle of another name",
            zip -> zip.entry("data.pkl").name = ForgedZip.ascii("m/model.pkl"),
            "not one of torch.save"),
        forged("no version", zip -> zip.entries.removeLast(), "no entry m/version"),
        forged("version 11", zip -> zip.entry("version").data = ForgedZip.ascii("11\n"), "11"),
        forged("version x", zip -> zip.entry("version").data = ForgedZip.ascii("x"), "version x"),
        forged(
            "big-endian",
            zip -> zip.entry("byteorder").data = ForgedZip.ascii("big"),
            "not little-endian"),
        forged(
            "storage too long", zip -> zip.entry("0").data = new byte[28], "data/0 has 28 bytes"),
        forged(
            "storage too short", zip -> zip.entry("0").data = new byte[20], "data/0 has 20 bytes"),
        forged("half an element", zip -> zip.entry("0").data = new byte[27], "data/0 has 27 bytes"),
        bytes("100 MB of zeros in 100 kB", bomb(), "is compressed"),
        bytes("any other zip", otherZip(), "do not lie in one folder"));
  }

  @Test
  void isNotRefusedWithoutAFault() throws IOException {
    ForgedZip small = ForgedZip.valid();
    small.zip64 = false;
    small.entries.forEach(entry -> entry.flags = 0);
    for (byte[] content : new byte[][] {ForgedZip.valid().bytes(), small.bytes(), byTheJdk()}) {
      Path file = Files.write(folder.resolve("valid"), content);
      assertThat(ModelFiles.read(file)).hasSize(1);
      assertThat(ModelFiles.read(file).getFirst().values()).containsExactly(0, 1, 2, 3, 4, 5);
    }
  }

  private static void doublePickle(ForgedZip zip) {
    byte[] other = ForgedPickle.begin().raw('}', '.').bytes();
    zip.entries.add(new ForgedZip.Entry("m/data.pkl", other));
  }

  private static byte[] byTheJdk() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setMethod(ZipOutputStream.STORED);
      for (ForgedZip.Entry forged : ForgedZip.valid().entries) {
        ZipEntry entry = new ZipEntry(new String(forged.name, StandardCharsets.UTF_8));
        CRC32 crc = new CRC32();
        crc.update(forged.data);
        entry.setCrc(crc.getValue());
        entry.setSize(forged.data.length);
        zip.putNextEntry(entry);
        zip.write(forged.data);
      }
    }
    return out.toByteArray();
  }

  private static byte[] bomb() {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (DeflaterOutputStream out =
        new DeflaterOutputStream(packed, new Deflater(Deflater.BEST_COMPRESSION, true))) {
      for (int i = 0; i < 100; i++) {
        out.write(new byte[1 << 20]);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    ForgedZip zip = ForgedZip.valid();
    ForgedZip.Entry entry = zip.entry("0");
    entry.data = packed.toByteArray();
    entry.method = 8;
    entry.packed = entry.data.length;
    entry.size = 100 << 20;
    return zip.bytes();
  }

  private static byte[] otherZip() {
    ForgedZip zip = new ForgedZip();
    zip.entries.add(new ForgedZip.Entry("word.xml", new byte[9]));
    return zip.bytes();
  }

  private static byte[] commented(byte[] valid) {
    byte[] commented = valid.clone();
    commented[commented.length - 2] = 1;
    return commented;
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private static byte[] flipped(byte[] valid, int at) {
    byte[] flipped = valid.clone();
    flipped[at] ^= 4;
    return flipped;
  }

  /** The first byte of this value among the elements: 2.0f is the first whose bytes have 0x40. */
  private static int indexOf(byte[] bytes, int value) {
    int data = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("m/data/0");
    for (int i = data; ; i++) {
      if (bytes[i] == value) {
        return i;
      }
    }
  }

  private static Arguments bytes(String what, byte[] content, String reason) {
    return Arguments.of(what, content, reason);
  }

  private static Arguments forged(String what, Consumer<ForgedZip> fault, String reason) {
    ForgedZip zip = ForgedZip.valid();
    fault.accept(zip);
    return Arguments.of(what, zip.bytes(), reason);
  }

  private static Arguments entry(
      String what, String name, Consumer<ForgedZip.Entry> fault, String reason) {
    return forged(what, zip -> fault.accept(zip.entry(name)), reason);
  }

  private static Arguments named(String name, String reason) {
    // As single bytes, so that an ÿ is no UTF-8.
    return forged(name.replaceAll("\\p{Cntrl}", "?"), zip -> zip.entries.add(named(name)), reason);
  }

  private static ForgedZip.Entry named(String name) {
    ForgedZip.Entry entry = new ForgedZip.Entry("", new byte[3]);
    entry.name = ForgedZip.ascii(name);
    return entry;
  }
}
