package io.github.distillcuda.emulator.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Converts between Java arrays and the little-endian bytes of device memory. */
public final class HostBytes {
  private HostBytes() {}

  public static byte[] of(float... values) {
    ByteBuffer bytes = buffer(values.length * Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  public static byte[] of(int... values) {
    ByteBuffer bytes = buffer(values.length * Integer.BYTES);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }

  public static byte[] of(long... values) {
    ByteBuffer bytes = buffer(values.length * Long.BYTES);
    bytes.asLongBuffer().put(values);
    return bytes.array();
  }

  public static byte[] of(double... values) {
    ByteBuffer bytes = buffer(values.length * Double.BYTES);
    bytes.asDoubleBuffer().put(values);
    return bytes.array();
  }

  /** The upper halves of floats, which must be all there is of them: bfloat16. */
  public static byte[] ofBfloat16(float... values) {
    ByteBuffer bytes = buffer(values.length * Short.BYTES);
    for (float value : values) {
      int bits = Float.floatToRawIntBits(value);
      if ((bits & 0xffff) != 0) {
        throw new IllegalArgumentException(value + " is no bfloat16");
      }
      bytes.putShort((short) (bits >>> 16));
    }
    return bytes.array();
  }

  /** Floats, each rounded to bfloat16. */
  public static byte[] roundedToBfloat16(float... values) {
    ByteBuffer bytes = buffer(values.length * Short.BYTES);
    for (float value : values) {
      bytes.putShort((short) toBfloat16(Float.floatToRawIntBits(value)));
    }
    return bytes.array();
  }

  /** Rounds a float to the nearest bfloat16, ties to even; any NaN becomes the one of PTX. */
  public static int toBfloat16(int floatBits) {
    int lastKeptBit = floatBits >>> 16 & 1;
    boolean isNan = Float.isNaN(Float.intBitsToFloat(floatBits));
    return isNan ? 0x7fff : (floatBits + 0x7fff + lastKeptBit) >>> 16;
  }

  public static float[] bfloat16ToFloats(byte[] bytes) {
    float[] values = new float[bytes.length / Short.BYTES];
    ByteBuffer source = wrap(bytes);
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(source.getShort() << 16);
    }
    return values;
  }

  public static float[] toFloats(byte[] bytes) {
    float[] values = new float[bytes.length / Float.BYTES];
    wrap(bytes).asFloatBuffer().get(values);
    return values;
  }

  public static int[] toInts(byte[] bytes) {
    int[] values = new int[bytes.length / Integer.BYTES];
    wrap(bytes).asIntBuffer().get(values);
    return values;
  }

  public static long[] toLongs(byte[] bytes) {
    long[] values = new long[bytes.length / Long.BYTES];
    wrap(bytes).asLongBuffer().get(values);
    return values;
  }

  public static double[] toDoubles(byte[] bytes) {
    double[] values = new double[bytes.length / Double.BYTES];
    wrap(bytes).asDoubleBuffer().get(values);
    return values;
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer wrap(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
