package io.github.distillcuda.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Puts pickles together instruction by instruction, well-formed or not. */
final class ForgedPickle {
  private final ByteArrayOutputStream code = new ByteArrayOutputStream();

  /** A pickle that begins as all of torch's do. */
  static ForgedPickle begin() {
    return new ForgedPickle().raw(0x80, 2);
  }

  /** A dictionary of one entry {@code w}, whose value the caller adds before {@link #endDict}. */
  static ForgedPickle dictOfW() {
    return begin().raw('}', '(').text("w");
  }

  byte[] endDict() {
    return raw('u', '.').bytes();
  }

  byte[] bytes() {
    return code.toByteArray();
  }

  ForgedPickle raw(int... bytes) {
    for (int value : bytes) {
      code.write(value);
    }
    return this;
  }

  ForgedPickle raw(byte[] bytes) {
    code.writeBytes(bytes);
    return this;
  }

  ForgedPickle repeat(int times, int... bytes) {
    for (int i = 0; i < times; i++) {
      raw(bytes);
    }
    return this;
  }

  ForgedPickle text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return raw('X').int32(bytes.length).raw(bytes);
  }

  ForgedPickle int32(int value) {
    return raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  /** An integer of any size up to 64 bits, as LONG1. */
  ForgedPickle integer(long value) {
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return raw(0x8a, 8).raw(bytes);
  }

  ForgedPickle global(String module, String name) {
    return raw(('c' + module + '\n' + name + '\n').getBytes(StandardCharsets.UTF_8));
  }

  ForgedPickle tuple(long... values) {
    raw('(');
    for (long value : values) {
      integer(value);
    }
    return raw('t');
  }

  /** The persistent id of a storage, and the instruction that resolves it. */
  ForgedPickle storage(String type, String key, long elements) {
    raw('(').text("storage").global("torch", type).text(key).text("cpu").integer(elements);
    return raw('t', 'Q');
  }

  /** A float32 view of storage 0, which {@link ForgedZip#pth} gives 6 elements. */
  ForgedPickle tensor(long offset, long[] extents, long[] strides) {
    return tensor("FloatStorage", "0", 6, offset, extents, strides);
  }

  ForgedPickle tensor(
      String type, String key, long elements, long offset, long[] extents, long[] strides) {
    global("torch._utils", "_rebuild_tensor_v2").raw('(').storage(type, key, elements);
    integer(offset).tuple(extents).tuple(strides).raw(0x89);
    return orderedDict().raw('t', 'R');
  }

  ForgedPickle orderedDict() {
    return global("collections", "OrderedDict").raw(')', 'R');
  }
}
