package io.github.distillcuda.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Puts zip archives together field by field, in the form that torch writes unless a field is set
 * otherwise. Shares no code with {@link ZipWriter}.
 */
final class ForgedZip {
  static final int DESCRIPTOR = 1 << 3;

  final List<Entry> entries = new ArrayList<>();
  boolean zip64 = true;
  int entriesClaimed = -1;
  int directorySizeClaimed = -1;
  int zip64EntriesClaimed = -1;
  int locatorClaimed = -1;
  int disk;
  byte[] comment = {};
  byte[] beforeDirectory = {};

  /** One entry; -1 in a field stands for the honest value. */
  static final class Entry {
    byte[] name;
    byte[] localName;
    byte[] data;
    int flags = 0x800 | DESCRIPTOR;
    int localFlags = -1;
    int method;
    int localMethod = -1;
    long crc = -1;
    long localCrc = -1;
    long packed = -1;
    long size = -1;
    long localSize = -1;
    long descriptorSize = -1;
    long header = -1;
    int descriptorSignature = 0x08074b50;
    int localExtraClaimed = -1;
    byte[] comment = {};
    byte[] before = {};

    Entry(String name, byte[] data) {
      this.name = name.getBytes(StandardCharsets.UTF_8);
      this.data = data;
    }

    private long honestCrc() {
      CRC32 crc = new CRC32();
      crc.update(data);
      return crc.getValue();
    }
  }

  /** The file of a pickle with one storage of the six float32 values 0 to 5. */
  static ForgedZip pth(byte[] pickle) {
    ByteBuffer values = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 6; i++) {
      values.putFloat(i);
    }
    ForgedZip zip = new ForgedZip();
    zip.entries.add(new Entry("m/data.pkl", pickle));
    zip.entries.add(new Entry("m/byteorder", ascii("little")));
    zip.entries.add(new Entry("m/data/0", values.array()));
    zip.entries.add(new Entry("m/version", ascii("3\n")));
    return zip;
  }

  /** A file that loads: one tensor w of shape [2, 3]. */
  static ForgedZip valid() {
    return pth(ForgedPickle.dictOfW().tensor(0, new long[] {2, 3}, new long[] {3, 1}).endDict());
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  Entry entry(String suffix) {
    return entries.stream()
        .filter(entry -> new String(entry.name, StandardCharsets.UTF_8).endsWith(suffix))
        .findFirst()
        .orElseThrow();
  }

  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream directory = new ByteArrayOutputStream();
    for (Entry entry : entries) {
      out.writeBytes(entry.before);
      directory.writeBytes(central(entry, out.size()));
      out.writeBytes(local(entry));
      out.writeBytes(entry.data);
      if ((entry.flags & DESCRIPTOR) != 0) {
        out.writeBytes(descriptor(entry));
      }
    }
    out.writeBytes(beforeDirectory);
    int start = out.size();
    out.writeBytes(directory.toByteArray());
    out.writeBytes(end(start, directory.size()));
    return out.toByteArray();
  }

  private byte[] local(Entry entry) {
    boolean described = (entry.flags & DESCRIPTOR) != 0;
    byte[] name = entry.localName == null ? entry.name : entry.localName;
    byte[] extra = {'F', 'B', 1, 0, 'Z'};
    ByteBuffer header = buffer(30 + name.length + extra.length);
    header.putInt(0x04034b50).putShort((short) 0);
    header.putShort((short) or(entry.localFlags, entry.flags));
    header.putShort((short) or(entry.localMethod, entry.method)).putInt(0);
    header.putInt((int) or(entry.localCrc, described ? 0 : or(entry.crc, entry.honestCrc())));
    long size = or(entry.localSize, described ? 0 : or(entry.size, entry.data.length));
    header.putInt((int) size).putInt((int) size);
    header.putShort((short) name.length);
    header.putShort((short) or(entry.localExtraClaimed, extra.length));
    return header.put(name).put(extra).array();
  }

  private byte[] descriptor(Entry entry) {
    int size = (int) or(entry.descriptorSize, or(entry.size, entry.data.length));
    ByteBuffer descriptor = buffer(16).putInt(entry.descriptorSignature);
    descriptor.putInt((int) or(entry.crc, entry.honestCrc()));
    return descriptor.putInt(size).putInt(size).array();
  }

  private byte[] central(Entry entry, int position) {
    long size = or(entry.size, entry.data.length);
    ByteBuffer header = buffer(46 + entry.name.length + entry.comment.length);
    header.putInt(0x02014b50).putInt(0).putShort((short) entry.flags);
    header.putShort((short) entry.method).putInt(0);
    header.putInt((int) or(entry.crc, entry.honestCrc()));
    header.putInt((int) or(entry.packed, size)).putInt((int) size);
    header.putShort((short) entry.name.length).putShort((short) 0);
    header.putShort((short) entry.comment.length).putShort((short) 0);
    header.putShort((short) 0).putInt(0).putInt((int) or(entry.header, position));
    return header.put(entry.name).put(entry.comment).array();
  }

  private byte[] end(int start, int size) {
    int claimed = (int) or(entriesClaimed, entries.size());
    int sizeClaimed = (int) or(directorySizeClaimed, size);
    ByteBuffer end = buffer((zip64 ? 76 : 0) + 22 + comment.length);
    if (zip64) {
      int honest = start + size;
      end.putInt(0x06064b50).putLong(44).putShort((short) 0x31e).putShort((short) 45);
      end.putInt(0).putInt(0).putLong(or(zip64EntriesClaimed, claimed)).putLong(claimed);
      end.putLong(sizeClaimed).putLong(start);
      end.putInt(0x07064b50).putInt(0).putLong(or(locatorClaimed, honest)).putInt(1);
    }
    end.putInt(0x06054b50).putShort((short) disk).putShort((short) disk);
    end.putShort((short) claimed).putShort((short) claimed);
    end.putInt(sizeClaimed).putInt(start).putShort((short) comment.length).put(comment);
    return end.array();
  }

  private static long or(long set, long honest) {
    return set == -1 ? honest : set;
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
