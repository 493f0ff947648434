package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.tensor.NamedArray;
import java.nio.ByteBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads and writes the weights of a model: safetensors, and the state dicts of PyTorch.
 *
 * <p>A file is data and nothing else: whatever it contains, reading it yields arrays or a {@link
 * DistillException} and has no other effect.
 */
public final class ModelFiles {
  private static final int ZIP_MAGIC = 0x04034b50;

  /** What PyTorch 1.5 and older begin a file with: a pickled integer of ten bytes. */
  private static final byte[] LEGACY_MAGIC = {
    (byte) 0x80,
    2,
    (byte) 0x8a,
    0x0a,
    0x6c,
    (byte) 0xfc,
    (byte) 0x9c,
    0x46,
    (byte) 0xf9,
    0x20,
    0x6a,
    (byte) 0xa8,
    0x50,
    0x19
  };

  private static final int TAR_MAGIC_OFFSET = 257;

  /** With the limit on their number, keeps the description of tensors under the 8 MiB read. */
  private static final int MAX_NAME_CHARS = 128;

  private static final int MAX_DESCRIPTION_BYTES = 64 << 20;

  private ModelFiles() {}

  /**
   * Returns the tensors of a model file in its order, as float32. The content decides the format,
   * not the name. float32, float16, bfloat16 and float64 are read, and names lose the prefixes that
   * {@code DataParallel} and {@code torch.compile} put before all of them.
   *
   * @throws DistillException (DATA) if the file is absent, damaged or not on the list of what is
   *     accepted; the line names the reason
   */
  public static List<NamedArray> read(Path file) {
    ByteBuffer content = BoundedFile.read(file);
    try {
      boolean zip = content.limit() >= Integer.BYTES && content.getInt(0) == ZIP_MAGIC;
      if (!zip && content.limit() < Long.BYTES) {
        throw new InvalidFileException(
            "the file has " + content.limit() + " bytes, too few for .pth and .safetensors");
      }
      if (!zip) {
        refuseOtherFormats(file, content);
      }
      return StateDict.withoutPrefixes(
          zip ? PytorchFile.read(content) : SafetensorsFile.read(content));
    } catch (InvalidFileException e) {
      throw e.hasAdvice() ? e.of(file) : e.of(file).with("; copy or save it again");
    }
  }

  /**
   * Returns the SHA-256 of a model file in lower-case hexadecimal.
   *
   * @throws DistillException (DATA) if the file cannot be read
   */
  public static String sha256(Path file) {
    MessageDigest sha256 = RunCheckpoint.sha256();
    sha256.update(BoundedFile.read(file));
    return HexFormat.of().formatHex(sha256.digest());
  }

  /**
   * Writes a model file in float32: safetensors to a name ending in {@code .safetensors}, PyTorch's
   * format to {@code .pth} or {@code .pt}. The same arrays give the same bytes.
   *
   * @throws DistillException (USAGE) if the file's name has another ending, (DATA) if the arrays
   *     have names or sizes that could not be read again, (DISK) if the file cannot be written;
   *     what was there before is then unchanged
   */
  public static void write(Path file, List<NamedArray> arrays) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    requireReadable(file, arrays);
    if (name.endsWith(".safetensors")) {
      AtomicFile.write(file, out -> SafetensorsFile.write(out, arrays));
    } else if (name.endsWith(".pth") || name.endsWith(".pt")) {
      AtomicFile.write(file, out -> PytorchFile.write(out, arrays));
    } else {
      throw new DistillException(
          ExitCode.USAGE,
          Printable.path(file) + ": a model file must end in .safetensors, .pth or .pt");
    }
  }

  /**
   * Writes arrays in float32 as safetensors, with more to read about them.
   *
   * @param metadata what the header says beside the arrays, in this order
   * @throws DistillException (DATA) or (DISK) as {@link #write(Path, List)}
   */
  public static void write(Path file, List<NamedArray> arrays, Map<String, String> metadata) {
    requireReadable(file, arrays);
    AtomicFile.write(file, out -> SafetensorsFile.write(out, arrays, metadata));
  }

  private static void requireReadable(Path file, List<NamedArray> arrays) {
    try {
      requireReadable(arrays);
    } catch (InvalidFileException e) {
      throw e.of(file);
    }
  }

  /**
   * Checks that what is to be written can be read again.
   *
   * @throws InvalidFileException if a name is not text, too long, reserved or repeated, or the
   *     arrays are too many or too large
   */
  static void requireReadable(List<NamedArray> arrays) throws InvalidFileException {
    CharsetEncoder utf8 = StandardCharsets.UTF_8.newEncoder();
    Set<String> names = new HashSet<>();
    long bytes = 0;
    for (NamedArray array : arrays) {
      String name = array.name();
      boolean usable =
          name.length() <= MAX_NAME_CHARS
              && utf8.canEncode(name)
              && !name.equals(SafetensorsHeader.METADATA);
      if (!usable || !names.add(name)) {
        throw new InvalidFileException(
            "a tensor cannot be written under the name " + Printable.name(name));
      }
      if (array.shape().rank() > TensorHeader.MAX_RANK) {
        throw new InvalidFileException(Printable.name(name) + " has more than 8 axes");
      }
      bytes += (long) Float.BYTES * array.values().length;
    }
    TensorHeader.requireFew(arrays.size());
    if (bytes > BoundedFile.MAX_BYTES - MAX_DESCRIPTION_BYTES) {
      throw new InvalidFileException(
          "tensors of " + bytes + " bytes are more than a file may hold");
    }
  }

  private static void refuseOtherFormats(Path file, ByteBuffer content) {
    String problem = null;
    if (startsWith(content, 0, LEGACY_MAGIC)) {
      problem = "it is in the format of PyTorch before 1.6; torch.load it and torch.save it again";
    } else if (startsWith(content, TAR_MAGIC_OFFSET, "ustar".getBytes(StandardCharsets.US_ASCII))) {
      problem =
          "it is a tar file, as PyTorch before 0.2 wrote; torch.load it and torch.save it again";
    } else if (startsWith(content, 0, new byte[] {(byte) 0x80})
        && content.limit() >= Long.BYTES
        && content.get(Long.BYTES) != '{') {
      problem =
          "it looks like a bare pickle; torch.save(model.state_dict(), file) writes what is read";
    }
    if (problem != null) {
      throw new InvalidFileException(problem).of(file);
    }
  }

  private static boolean startsWith(ByteBuffer content, int offset, byte[] magic) {
    return content.limit() >= offset + magic.length
        && content.slice(offset, magic.length).equals(ByteBuffer.wrap(magic));
  }
}
