package io.github.distillcuda.checkpoint;

import io.github.distillcuda.tensor.DType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Elements as they stand in files, little-endian, to and from float32. */
final class FloatBytes {
  private static final int CHUNK = 1 << 14;

  private FloatBytes() {}

  /**
   * Returns {@code count} elements of {@code type} from the start of {@code bytes}. What float32
   * cannot hold is rounded to nearest even, beyond its range to infinity.
   */
  static float[] decode(ByteBuffer bytes, DType type, int count) {
    float[] values = new float[count];
    switch (type) {
      case FLOAT32 -> bytes.asFloatBuffer().get(values);
      case FLOAT64 -> {
        for (int i = 0; i < count; i++) {
          values[i] = (float) bytes.getDouble(8 * i);
        }
      }
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Float.float16ToFloat(bytes.getShort(2 * i));
        }
      }
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
        }
      }
    }
    return values;
  }

  /** Writes {@code values} as float32. */
  static void write(float[] values, OutputStream out) throws IOException {
    ByteBuffer chunk =
        ByteBuffer.allocate(Float.BYTES * Math.min(CHUNK, values.length))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int done = 0; done < values.length; ) {
      int count = Math.min(CHUNK, values.length - done);
      chunk.asFloatBuffer().put(values, done, count);
      out.write(chunk.array(), 0, Float.BYTES * count);
      done += count;
    }
  }

  /** Returns the part of {@code bytes} from {@code offset}, as a buffer of its own. */
  static ByteBuffer slice(ByteBuffer bytes, int offset, int length) {
    return bytes.slice(offset, length).order(ByteOrder.LITTLE_ENDIAN);
  }
}
