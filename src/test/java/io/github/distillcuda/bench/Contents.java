package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.StateLayout;
import io.github.distillcuda.gpu.Gpu;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * Fills arrays with what kernels meet in training: normally distributed floats, labels, a
 * permutation. A pattern is made once and repeated on the GPU.
 */
final class Contents {
  private static final int PATTERN = 1 << 20;
  private static final int MASK_VALUES = 5;
  private static final int ALIGNMENT = 256;
  private static final int PLACES = 1000;

  private final Gpu gpu;
  private final DeviceScope scope;
  private final int images;
  private final Map<String, DeviceBuffer> patterns = new HashMap<>();

  /**
   * The patterns belong to the scope.
   *
   * @param images of the data set
   */
  Contents(Gpu gpu, DeviceScope scope, int images) {
    this.gpu = gpu;
    this.scope = scope;
    this.images = images;
  }

  /**
   * Fills a buffer for a parameter.
   *
   * @param rows what a count of labelled rows is set to
   * @param classes labels are below it
   */
  void fill(DeviceBuffer buffer, KernelParameter.Pointer parameter, int rows, int classes) {
    DeviceBuffer pattern =
        switch (parameter.element()) {
          case FLOAT32 -> pattern("floats", Contents::floats);
          case BFLOAT16 -> pattern("floats of 16 bits", Contents::bfloat16s);
          case INT8 -> pattern("labels of images", bytes -> small(bytes, 10));
          case UINT8 ->
              parameter.name().equals("mask")
                  ? pattern("mask", bytes -> small(bytes, MASK_VALUES))
                  : pattern("pixels", bytes -> new Random(3).nextBytes(bytes.array()));
          case STATE -> pattern("state", Contents::state);
          case INT64 -> pattern("zeros", bytes -> {});
          case INT32 ->
              switch (parameter.name()) {
                case "labels" -> pattern("labels " + classes, bytes -> labels(bytes, classes));
                case "labelledRows" -> pattern("rows " + rows, bytes -> bytes.putInt(0, rows));
                case "order", "ids" -> pattern("order", this::order);
                default -> pattern("zeros", bytes -> {});
              };
        };
    boolean isPlain =
        parameter.element() == ElementType.FLOAT32 || parameter.element() == ElementType.BFLOAT16;
    repeat(pattern, isPlain ? begin(buffer.name()) : 0, buffer);
  }

  /** Where an array begins in the pattern: student and teacher must not agree. */
  private static long begin(String name) {
    return ALIGNMENT * (long) Math.floorMod(31 * name.hashCode(), PLACES);
  }

  private interface Writer {
    void write(ByteBuffer bytes);
  }

  private DeviceBuffer pattern(String name, Writer writer) {
    return patterns.computeIfAbsent(
        name,
        missing -> {
          ByteBuffer bytes =
              ByteBuffer.allocate(PATTERN * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          writer.write(bytes);
          DeviceBuffer pattern = scope.own(gpu.context().memory().allocate(name, bytes.capacity()));
          gpu.upload(bytes.array(), pattern);
          return pattern;
        });
  }

  /** Copies the pattern to the start, and then what is filled behind it, until all is. */
  private void repeat(DeviceBuffer pattern, long begin, DeviceBuffer target) {
    CudaStream stream = gpu.stream();
    long done = Math.min(pattern.byteSize() - begin, target.byteSize());
    stream.copy(pattern, begin, target, 0, done);
    while (done < target.byteSize()) {
      long piece = Math.min(done, target.byteSize() - done);
      stream.copy(target, 0, target, done, piece);
      done += piece;
    }
  }

  private static void floats(ByteBuffer bytes) {
    Random random = new Random(1);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian());
    }
  }

  private static void bfloat16s(ByteBuffer bytes) {
    Random random = new Random(6);
    while (bytes.hasRemaining()) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian());
      bytes.putShort((short) (bits >>> 16));
    }
  }

  private static void small(ByteBuffer bytes, int bound) {
    Random random = new Random(2);
    while (bytes.hasRemaining()) {
      bytes.put((byte) random.nextInt(bound));
    }
  }

  private static void labels(ByteBuffer bytes, int classes) {
    Random random = new Random(4);
    while (bytes.hasRemaining()) {
      bytes.putInt(random.nextInt(classes));
    }
  }

  /** A permutation of the images; what is behind it is in range too. */
  private void order(ByteBuffer bytes) {
    int[] order = new int[images];
    Random random = new Random(5);
    for (int i = 0; i < images; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (int i = 0; bytes.hasRemaining(); i = (i + 1) % images) {
      bytes.putInt(order[i]);
    }
  }

  private static void state(ByteBuffer bytes) {
    bytes.putLong(StateLayout.OPTIMIZER_STEP, 1000);
  }
}
