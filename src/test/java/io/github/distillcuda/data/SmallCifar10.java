package io.github.distillcuda.data;

import io.github.distillcuda.data.Cifar10Release.Mirror;
import io.github.distillcuda.data.Cifar10Release.PublishedArchive;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * A CIFAR-10 of {@link #RECORDS} random pictures a batch, and writers of all its forms that share
 * no code with the readers under test.
 */
final class SmallCifar10 {
  static final int RECORDS = 4;

  private static final int PIXELS = 3072;

  /** Labels and pixels of the six batches. */
  final byte[][] labels = new byte[6][RECORDS];

  final byte[][] pixels = new byte[6][RECORDS * PIXELS];

  SmallCifar10(long seed) {
    Random random = new Random(seed);
    for (int batch = 0; batch < 6; batch++) {
      random.nextBytes(pixels[batch]);
      for (int record = 0; record < RECORDS; record++) {
        labels[batch][record] = (byte) random.nextInt(10);
      }
    }
  }

  byte[] trainLabels() {
    return join(List.of(labels).subList(0, 5));
  }

  /** Returns all that a buffer holds. */
  static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.capacity()];
    buffer.get(0, bytes);
    return bytes;
  }

  byte[] trainImages() {
    return join(List.of(pixels).subList(0, 5));
  }

  /** The binary layout: file names and contents. */
  Map<String, byte[]> binaryFiles() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (int batch = 0; batch < 6; batch++) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int record = 0; record < RECORDS; record++) {
        out.write(labels[batch][record]);
        out.write(pixels[batch], record * PIXELS, PIXELS);
      }
      files.put(fileName(batch) + ".bin", out.toByteArray());
    }
    return files;
  }

  /** The Python layout: file names and contents. */
  Map<String, byte[]> pythonFiles() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (int batch = 0; batch < 6; batch++) {
      files.put(fileName(batch), pickle(labels[batch], pixels[batch]));
    }
    return files;
  }

  private static String fileName(int batch) {
    return batch < 5 ? "data_batch_" + (batch + 1) : "test_batch";
  }

  /** A batch as Python 2 pickles it, less its memos, which are optional; see python2_batch.pkl. */
  static byte[] pickle(byte[] labels, byte[] pixels) {
    Pickle out = new Pickle();
    out.raw(0x80, 2, '}', '(').text("data").array(labels.length, pixels);
    out.text("labels").raw(']', '(');
    for (byte label : labels) {
      out.raw('K', label);
    }
    out.raw('e').text("batch_label").text("training batch 1 of 5");
    out.text("filenames").raw(']', '(');
    for (int i = 0; i < labels.length; i++) {
      out.text("picture_" + i + ".png");
    }
    return out.raw('e', 'u', '.').bytes();
  }

  /** Pickle opcodes, appended by hand. */
  static final class Pickle {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Pickle raw(int... opcodes) {
      for (int opcode : opcodes) {
        out.write(opcode);
      }
      return this;
    }

    Pickle text(String text) {
      raw('U', text.length());
      return ascii(text);
    }

    Pickle ascii(String text) {
      out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
      return this;
    }

    Pickle array(int rows, byte[] pixels) {
      ascii("cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n").raw('K', 0, 0x85);
      text("b").raw(0x87, 'R', '(', 'K', 1, 'M', rows & 255, rows >> 8, 'M', 0, 12, 0x86);
      ascii("cnumpy\ndtype\n").text("u1").raw('K', 0, 'K', 1, 0x87, 'R', '(', 'K', 3).text("|");
      raw('N', 'N', 'N', 'J', 255, 255, 255, 255, 'J', 255, 255, 255, 255, 'K', 0, 't', 'b', 0x89);
      raw('T');
      out.writeBytes(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(pixels.length).array());
      out.writeBytes(pixels);
      return raw('t', 'b');
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }

  /** The members of the binary archive, as the official one has them. */
  Tar binaryTar() {
    Tar tar = new Tar().folder("cifar-10-batches-bin/");
    binaryFiles().forEach((name, content) -> tar.file("cifar-10-batches-bin/" + name, content));
    return tar.file("cifar-10-batches-bin/readme.html", new byte[] {1, 2, 3});
  }

  /** The members of the Python archive, the batches out of order as in the official one. */
  Tar pythonTar() {
    Tar tar = new Tar().folder("cifar-10-batches-py/");
    List<Map.Entry<String, byte[]>> files = new ArrayList<>(pythonFiles().entrySet());
    for (Map.Entry<String, byte[]> file : files.reversed()) {
      tar.file("cifar-10-batches-py/" + file.getKey(), file.getValue());
    }
    return tar;
  }

  /** What would be published of this set, offered at {@code addresses}, "python" in some. */
  Cifar10Release release(String... addresses) {
    PublishedArchive binary = published(Cifar10Layout.BINARY, binaryTar().gzip());
    PublishedArchive python = published(Cifar10Layout.PYTHON, pythonTar().gzip());
    List<Mirror> mirrors = new ArrayList<>();
    for (String address : addresses) {
      mirrors.add(new Mirror(URI.create(address), address.contains("python") ? python : binary));
    }
    List<String> md5 = pythonFiles().values().stream().map(content -> hex("MD5", content)).toList();
    return new Cifar10Release(RECORDS, binary, python, md5, mirrors);
  }

  private static PublishedArchive published(Cifar10Layout layout, byte[] content) {
    return new PublishedArchive(
        layout, content.length, hex("MD5", content), hex("SHA-256", content));
  }

  static String hex(String algorithm, byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  static Path write(Path folder, Map<String, byte[]> files) throws IOException {
    Files.createDirectories(folder);
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Files.write(folder.resolve(file.getKey()), file.getValue());
    }
    return folder;
  }

  private static byte[] join(List<byte[]> parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    parts.forEach(out::writeBytes);
    return out.toByteArray();
  }

  /** A tar in the making, honest or not. */
  static final class Tar {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Tar file(String name, byte[] content) {
      return member(name, '0', content.length, content);
    }

    Tar folder(String name) {
      return member(name, '5', 0, new byte[0]);
    }

    /** Any member: its type and the size that the header claims are free. */
    Tar member(String name, char type, long claimedSize, byte[] content) {
      byte[] header = new byte[512];
      put(header, 0, name);
      put(header, 100, "0000644\0");
      put(header, 124, "%011o\0".formatted(claimedSize));
      put(header, 136, "00000000000\0");
      header[156] = (byte) type;
      put(header, 257, "ustar\00000");
      return header(header).content(content);
    }

    /** A header with its checksum set. */
    Tar header(byte[] header) {
      put(header, 148, "        ");
      int sum = 0;
      for (byte b : header) {
        sum += b & 255;
      }
      put(header, 148, "%06o\0 ".formatted(sum));
      out.writeBytes(header);
      return this;
    }

    Tar content(byte[] content) {
      out.writeBytes(content);
      out.writeBytes(new byte[(512 - content.length % 512) % 512]);
      return this;
    }

    private static void put(byte[] header, int offset, String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      System.arraycopy(bytes, 0, header, offset, bytes.length);
    }

    byte[] withoutEnd() {
      return out.toByteArray();
    }

    byte[] gzip() {
      return gzip(join(List.of(out.toByteArray(), new byte[1024])));
    }

    static byte[] gzip(byte[] content) {
      return gzip(content, Deflater.DEFAULT_COMPRESSION);
    }

    static byte[] gzip(byte[] content, int level) {
      ByteArrayOutputStream zipped = new ByteArrayOutputStream();
      try (GZIPOutputStream gzip =
          new GZIPOutputStream(zipped) {
            {
              def.setLevel(level);
            }
          }) {
        gzip.write(content);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      return zipped.toByteArray();
    }
  }
}
