package io.github.distillcuda.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;

/**
 * Writes an archive of uncompressed entries as {@code torch.load} likes it: the data of each entry
 * begins at a multiple of 64 bytes, so that it can be mapped. Sizes and CRC stand in the headers
 * and no time does, so the same content gives the same bytes.
 */
final class ZipWriter {
  private static final int ALIGNMENT = 64;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int EXTRA_HEADER_BYTES = 4;

  /** The id under which PyTorch pads: "FB". */
  private static final short PADDING_ID = 0x4246;

  private static final short FLAG_UTF8 = 1 << 11;
  private static final short VERSION = 20;

  /** 1 January 1980, the zero of the format. */
  private static final short DATE = 1 << 5 | 1;

  private final OutputStream out;
  private final String folder;
  private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
  private long position;
  private int entries;

  /**
   * A writer of one archive.
   *
   * @param folder put before the name of each entry, with its slash
   */
  ZipWriter(OutputStream out, String folder) {
    this.out = out;
    this.folder = folder;
  }

  void add(String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    header(name, content.length, (int) crc.getValue());
    out.write(content);
  }

  /** Adds an entry of float32 elements; computes their CRC in a pass before the one that writes. */
  void add(String name, float[] values) throws IOException {
    CheckedOutputStream counted =
        new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
    FloatBytes.write(values, counted);
    header(name, (long) Float.BYTES * values.length, (int) counted.getChecksum().getValue());
    FloatBytes.write(values, out);
  }

  void finish() throws IOException {
    ByteBuffer end = buffer(22);
    end.putInt(0x06054b50).putInt(0).putShort((short) entries).putShort((short) entries);
    end.putInt(directory.size()).putInt((int) position).putShort((short) 0);
    directory.writeTo(out);
    out.write(end.array());
  }

  private void header(String name, long size, int crc) throws IOException {
    byte[] path = (folder + name).getBytes(StandardCharsets.UTF_8);
    long unpadded = position + LOCAL_BYTES + path.length + EXTRA_HEADER_BYTES;
    int padding = Math.floorMod(-unpadded, ALIGNMENT);
    ByteBuffer local = buffer(LOCAL_BYTES + path.length + EXTRA_HEADER_BYTES + padding);
    local.putInt(0x04034b50);
    common(local, path, size, crc, EXTRA_HEADER_BYTES + padding);
    local.put(path).putShort(PADDING_ID).putShort((short) padding);
    ByteBuffer central = buffer(CENTRAL_BYTES + path.length);
    central.putInt(0x02014b50).putShort(VERSION);
    common(central, path, size, crc, 0);
    central.position(42).putInt((int) position).put(path);
    directory.write(central.array());
    out.write(local.array());
    position += local.capacity() + size;
    entries++;
  }

  /** The fields that both headers have in one order: version to length of the extra field. */
  private static void common(ByteBuffer header, byte[] path, long size, int crc, int extra) {
    header.putShort(VERSION).putShort(FLAG_UTF8).putShort((short) 0);
    header.putShort((short) 0).putShort(DATE).putInt(crc).putInt((int) size).putInt((int) size);
    header.putShort((short) path.length).putShort((short) extra);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
