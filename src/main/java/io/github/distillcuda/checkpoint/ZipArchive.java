package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.Printable;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * A zip archive of uncompressed entries, as {@code torch.save} writes them. The JDK's reader serves
 * well-meant archives: it checks no CRC and takes the last of two entries of one name. This one
 * accepts a file only if every byte of it belongs to exactly one entry or to the directory, every
 * header says the same twice, and every CRC is right. Nothing is ever unpacked.
 */
final class ZipArchive {
  private static final int END_BYTES = 22;
  private static final int END_64_LOCATOR_BYTES = 20;
  private static final int END_64_BYTES = 56;
  private static final int CENTRAL_BYTES = 46;
  private static final int LOCAL_BYTES = 30;
  private static final int DESCRIPTOR_BYTES = 16;

  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int END_64_LOCATOR = 0x07064b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int LOCAL = 0x04034b50;
  private static final int DESCRIPTOR = 0x08074b50;

  /** Sizes and CRC stand behind the data too. */
  private static final int FLAG_DESCRIPTOR = 1 << 3;

  private static final int FLAG_UTF8 = 1 << 11;

  private static final int ATTRIBUTE_FOLDER = 1 << 4;

  private final ByteBuffer file;
  private final Map<String, ByteBuffer> entries = new LinkedHashMap<>();

  private ZipArchive(ByteBuffer file) {
    this.file = file;
  }

  /** Where the directory of the archive lies: from {@code start} up to {@code end}. */
  private record Directory(int start, int end, int entries) {}

  /** An entry as the directory describes it. */
  private record Entry(String name, int flags, int crc, int size, int header) {}

  /**
   * Checks a whole archive.
   *
   * @param file the file, little-endian, on the heap; not copied
   * @throws InvalidFileException if it is not such an archive
   */
  static ZipArchive read(ByteBuffer file) throws InvalidFileException {
    ZipArchive archive = new ZipArchive(file);
    Directory directory = archive.directory();
    List<Entry> entries = archive.entriesOf(directory);
    entries.sort(Comparator.comparingInt(Entry::header));
    int next = 0;
    for (Entry entry : entries) {
      if (entry.header() != next) {
        throw new InvalidFileException(
            "bytes of the archive near " + next + " belong to no entry or to two");
      }
      next = archive.add(entry, directory.start());
    }
    if (next != directory.start()) {
      throw new InvalidFileException("bytes before the archive's directory belong to no entry");
    }
    return archive;
  }

  /** Returns the names of the entries, in the order of the file. */
  Set<String> names() {
    return entries.keySet();
  }

  /**
   * Returns the content of an entry.
   *
   * @throws InvalidFileException if there is none of that name
   */
  ByteBuffer entry(String name) throws InvalidFileException {
    ByteBuffer entry = entries.get(name);
    if (entry == null) {
      throw new InvalidFileException("the archive has no entry " + Printable.name(name));
    }
    return entry;
  }

  private Directory directory() throws InvalidFileException {
    int end = file.limit() - END_BYTES;
    if (end < 0 || file.getInt(end) != END) {
      throw new InvalidFileException(
          "the file is truncated, has something behind it or is not a zip archive"
              + " (no directory at its end)");
    }
    int entries = u16(end + 10);
    long size = u32(end + 12);
    long start = u32(end + 16);
    boolean oneDisk = u16(end + 4) == 0 && u16(end + 6) == 0 && u16(end + 8) == entries;
    if (!oneDisk || u16(end + 20) != 0) {
      throw new InvalidFileException("the archive has several parts or a comment");
    }
    int locator = end - END_64_LOCATOR_BYTES;
    boolean zip64 = locator >= 0 && file.getInt(locator) == END_64_LOCATOR;
    int directoryEnd = zip64 ? locator - END_64_BYTES : end;
    if (zip64) {
      requireSame64(locator, entries, size, start);
    }
    if (start + size != directoryEnd) {
      throw new InvalidFileException("the archive's directory does not lie where its end says");
    }
    return new Directory((int) start, directoryEnd, entries);
  }

  /** PyTorch always adds the records for archives above 4 GiB; here they have nothing to add. */
  private void requireSame64(int locator, int entries, long size, long start)
      throws InvalidFileException {
    int record = locator - END_64_BYTES;
    boolean same =
        record >= 0
            && file.getInt(locator + 4) == 0
            && file.getLong(locator + 8) == record
            && file.getInt(locator + 16) == 1
            && file.getInt(record) == END_64
            && file.getLong(record + 4) == END_64_BYTES - 12
            && file.getInt(record + 16) == 0
            && file.getInt(record + 20) == 0
            && file.getLong(record + 24) == entries
            && file.getLong(record + 32) == entries
            && file.getLong(record + 40) == size
            && file.getLong(record + 48) == start;
    if (!same) {
      throw new InvalidFileException("the archive's two end records contradict each other");
    }
  }

  private List<Entry> entriesOf(Directory directory) throws InvalidFileException {
    List<Entry> entries = new ArrayList<>();
    int at = directory.start();
    for (int i = 0; i < directory.entries(); i++) {
      if (directory.end() - at < CENTRAL_BYTES || file.getInt(at) != CENTRAL) {
        throw new InvalidFileException("the archive's directory is damaged at entry " + i);
      }
      int nameBytes = u16(at + 28);
      int length = CENTRAL_BYTES + nameBytes + u16(at + 30) + u16(at + 32);
      if (length > directory.end() - at) {
        throw new InvalidFileException("entry " + i + " runs past the archive's directory");
      }
      entries.add(entryAt(at, nameBytes));
      at += length;
    }
    if (at != directory.end()) {
      throw new InvalidFileException("the archive's directory is longer than its entries");
    }
    return entries;
  }

  private Entry entryAt(int at, int nameBytes) throws InvalidFileException {
    String name = name(at + CENTRAL_BYTES, nameBytes);
    String shown = Printable.name(name);
    int flags = u16(at + 8);
    if ((flags & ~(FLAG_DESCRIPTOR | FLAG_UTF8)) != 0) {
      throw new InvalidFileException(shown + " is encrypted or has unknown flags");
    }
    if (u16(at + 10) != 0 || u32(at + 20) != u32(at + 24)) {
      throw new InvalidFileException(
          shown
              + " is compressed, as TorchScript programs are; torch.save the state_dict() instead");
    }
    if (u16(at + 34) != 0 || u16(at + 32) != 0) {
      throw new InvalidFileException(shown + " has a comment or lies in another part");
    }
    // miniz, which torch reads with, takes an entry with this bit for a folder and reads nothing.
    if ((file.getInt(at + 38) & ATTRIBUTE_FOLDER) != 0) {
      throw new InvalidFileException(shown + " is marked as a folder");
    }
    long size = u32(at + 24);
    long header = u32(at + 42);
    if (size > file.limit() || header > file.limit()) {
      throw new InvalidFileException(shown + " claims to be larger than the file");
    }
    return new Entry(name, flags, file.getInt(at + 16), (int) size, (int) header);
  }

  private String name(int at, int length) throws InvalidFileException {
    String name;
    try {
      name = StandardCharsets.UTF_8.newDecoder().decode(file.slice(at, length)).toString();
    } catch (CharacterCodingException e) {
      throw new InvalidFileException("the archive has an entry whose name is not UTF-8", e);
    }
    for (String step : name.split("/", -1)) {
      boolean plain = !step.isEmpty() && !step.equals(".") && !step.equals("..");
      if (!plain || step.indexOf('\\') >= 0 || step.chars().anyMatch(Character::isISOControl)) {
        throw new InvalidFileException(
            "the archive has an entry with the path " + Printable.name(name));
      }
    }
    return name;
  }

  /** Takes one entry in, if its own header, data and CRC agree; returns where the next begins. */
  private int add(Entry entry, int limit) throws InvalidFileException {
    String shown = Printable.name(entry.name());
    int header = entry.header();
    if (limit - header < LOCAL_BYTES || file.getInt(header) != LOCAL) {
      throw new InvalidFileException(shown + " has no header where the directory says");
    }
    int nameBytes = u16(header + 26);
    long data = (long) header + LOCAL_BYTES + nameBytes + u16(header + 28);
    boolean descriptor = (entry.flags() & FLAG_DESCRIPTOR) != 0;
    long end = data + entry.size() + (descriptor ? DESCRIPTOR_BYTES : 0);
    if (end > limit) {
      throw new InvalidFileException(shown + " runs past the end of the entries");
    }
    boolean same =
        u16(header + 6) == entry.flags()
            && u16(header + 8) == 0
            && name(header + LOCAL_BYTES, nameBytes).equals(entry.name())
            && (sizesAt(header + 14, entry) || (descriptor && noSizesAt(header + 14)));
    if (descriptor) {
      int at = (int) data + entry.size();
      same &= file.getInt(at) == DESCRIPTOR && sizesAt(at + 4, entry);
    }
    if (!same) {
      throw new InvalidFileException(shown + " is described in two ways that differ");
    }
    ByteBuffer content = FloatBytes.slice(file, (int) data, entry.size());
    CRC32 crc = new CRC32();
    crc.update(content.duplicate());
    if ((int) crc.getValue() != entry.crc()) {
      throw new InvalidFileException(shown + " is damaged: its CRC does not match");
    }
    if (entries.put(entry.name(), content) != null) {
      throw new InvalidFileException("the archive has two entries named " + shown);
    }
    return (int) end;
  }

  private boolean sizesAt(int at, Entry entry) {
    return file.getInt(at) == entry.crc()
        && file.getInt(at + 4) == entry.size()
        && file.getInt(at + 8) == entry.size();
  }

  private boolean noSizesAt(int at) {
    return file.getInt(at) == 0 && file.getInt(at + 4) == 0 && file.getInt(at + 8) == 0;
  }

  private int u16(int at) {
    return Short.toUnsignedInt(file.getShort(at));
  }

  private long u32(int at) {
    return Integer.toUnsignedLong(file.getInt(at));
  }
}
