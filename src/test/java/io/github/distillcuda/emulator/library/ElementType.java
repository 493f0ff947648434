package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CudnnConstants;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.stream.Stream;

/** The types that elements of an array may have on the device: what is not here is not emulated. */
enum ElementType {
  FLOAT32(4, CudnnConstants.CUDNN_DATA_FLOAT, CublasConstants.CUDA_R_32F) {
    @Override
    float[] decode(byte[] bytes) {
      return HostBytes.toFloats(bytes);
    }

    @Override
    byte[] encode(float[] values) {
      return HostBytes.of(values);
    }
  },

  BFLOAT16(2, CudnnConstants.CUDNN_DATA_BFLOAT16, CublasConstants.CUDA_R_16BF) {
    @Override
    float[] decode(byte[] bytes) {
      ByteBuffer halves = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      float[] values = new float[bytes.length / 2];
      for (int i = 0; i < values.length; i++) {
        values[i] = Float.intBitsToFloat(halves.getShort(2 * i) << 16);
      }
      return values;
    }

    @Override
    byte[] encode(float[] values) {
      ByteBuffer halves = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
      for (float value : values) {
        halves.putShort(toBfloat16(value));
      }
      return halves.array();
    }
  };

  private final int bytes;
  private final int cudnnType;
  private final int cudaType;

  ElementType(int bytes, int cudnnType, int cudaType) {
    this.bytes = bytes;
    this.cudnnType = cudnnType;
    this.cudaType = cudaType;
  }

  /** Returns the type of a {@code cudnnDataType_t}. */
  static Optional<ElementType> ofCudnn(int cudnnType) {
    return Stream.of(values()).filter(type -> type.cudnnType == cudnnType).findFirst();
  }

  /** Returns the type of a {@code cudaDataType}. */
  static Optional<ElementType> ofCuda(int cudaType) {
    return Stream.of(values()).filter(type -> type.cudaType == cudaType).findFirst();
  }

  int bytes() {
    return bytes;
  }

  /** Returns the elements that lie in these bytes. */
  abstract float[] decode(byte[] bytes);

  /** Returns the bytes of elements, each rounded to this type. */
  abstract byte[] encode(float[] values);

  /** Rounds to the nearest bfloat16, ties to even; NaN stays NaN. */
  private static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** Rounds to the 10 bits of fraction that tensor cores read of a float32 (PTX, cvt.rna.tf32). */
  static void roundToTf32(float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (Float.isFinite(values[i])) {
        values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) + 0x1000 & ~0x1fff);
      }
    }
  }
}
