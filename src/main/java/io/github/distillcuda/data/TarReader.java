package io.github.distillcuda.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Walks a tar stream member by member and never writes one anywhere. Folders and regular files are
 * all that a data archive needs: links, devices and extended headers are refused, and so are names
 * that point out of the archive, whoever made it.
 *
 * <p>Format: POSIX ustar; 512-byte headers with octal sizes, contents padded to 512, ended by two
 * blocks of zeros.
 */
final class TarReader {
  /** A regular file, or a folder of size 0. */
  record Member(String name, long byteCount, boolean isFile) {}

  private static final int BLOCK = 512;

  private final InputStream in;
  private final Object where;
  private final long mostBytes;
  private long readBytes;
  private long unreadContent;
  private long padding;

  /**
   * A reader of an uncompressed tar stream, which the caller closes.
   *
   * @param mostBytes the size at which the archive is refused
   */
  TarReader(InputStream in, Object where, long mostBytes) {
    this.in = in;
    this.where = where;
    this.mostBytes = mostBytes;
  }

  /** Returns the next member, or null at the archive's end. */
  Member next() throws IOException {
    skip(unreadContent + padding);
    byte[] header = block();
    if (isZero(header)) {
      if (!isZero(block())) {
        throw refuse("two blocks of zeros at the end", "one");
      }
      return null;
    }
    checkSum(header);
    String name = name(header);
    char type = (char) header[156];
    boolean isFile = type == '0' || type == 0;
    if (!isFile && type != '5') {
      throw refuse("files and folders only", "type '" + type + "' for " + name);
    }
    long size = octal(header, 124, 12, name);
    if (!isFile && size != 0) {
      throw refuse("an empty entry for the folder " + name, size + " bytes");
    }
    unreadContent = size;
    padding = -size & (BLOCK - 1);
    return new Member(name, size, isFile);
  }

  /** Returns the content of the member that {@link #next} gave last; valid until the next one. */
  InputStream content() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        if (unreadContent == 0) {
          return -1;
        }
        int got = in.read(buffer, offset, (int) Math.min(length, unreadContent));
        if (got < 0) {
          throw truncated();
        }
        unreadContent -= got;
        count(got);
        return got;
      }
    };
  }

  /** Reads what follows the archive's end, so that the stream below checks all of its bytes. */
  void drain() throws IOException {
    byte[] buffer = new byte[1 << 16];
    for (int got = in.read(buffer); got >= 0; got = in.read(buffer)) {
      count(got);
    }
  }

  private byte[] block() throws IOException {
    byte[] block = new byte[BLOCK];
    int got = in.readNBytes(block, 0, BLOCK);
    if (got < BLOCK) {
      throw truncated();
    }
    count(BLOCK);
    return block;
  }

  private void skip(long byteCount) throws IOException {
    if (readBytes + byteCount > mostBytes) {
      throw tooLarge();
    }
    try {
      in.skipNBytes(byteCount);
    } catch (EOFException end) {
      throw truncated();
    }
    count(byteCount);
  }

  private void count(long byteCount) {
    readBytes += byteCount;
    if (readBytes > mostBytes) {
      throw tooLarge();
    }
  }

  /** The header's bytes add up to the number in it, its own eight bytes counted as spaces. */
  private void checkSum(byte[] header) {
    int sum = 8 * ' ';
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? 0 : header[i] & 0xFF;
    }
    if (sum != octal(header, 148, 8, "header")) {
      throw refuse("a tar header at byte " + (readBytes - BLOCK), "a wrong header checksum");
    }
  }

  private String name(byte[] header) {
    String name = text(header, 0, 100);
    boolean posix = text(header, 257, 6).equals("ustar"); // GNU's old form has no prefix there
    String prefix = posix ? text(header, 345, 155) : "";
    String full = prefix.isEmpty() ? name : prefix + "/" + name;
    if (full.startsWith("/") || Arrays.asList(full.split("/")).contains("..")) {
      throw refuse("names inside the archive", full);
    }
    return full;
  }

  private static String text(byte[] header, int offset, int length) {
    int end = offset;
    while (end < offset + length && header[end] != 0) {
      end++;
    }
    return new String(header, offset, end - offset, StandardCharsets.UTF_8);
  }

  private long octal(byte[] header, int offset, int length, String what) {
    String digits = text(header, offset, length).strip();
    if (!digits.matches("[0-7]{1,11}")) {
      throw refuse("an octal number in the header of " + what, digits);
    }
    return Long.parseLong(digits, 8);
  }

  private static boolean isZero(byte[] block) {
    return Arrays.equals(block, new byte[BLOCK]);
  }

  private RuntimeException truncated() {
    return refuse("a whole archive", "its end after " + readBytes + " bytes");
  }

  private RuntimeException tooLarge() {
    return refuse("at most " + mostBytes + " bytes unpacked", "more");
  }

  private RuntimeException refuse(String expected, String got) {
    return DataFault.invalid(where, expected, got, "download the official archive again");
  }
}
