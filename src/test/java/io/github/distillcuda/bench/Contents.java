package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
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
  /** Images of the data set, the training half of CIFAR-10. */
  static final int IMAGES = 50_000;

  private static final int PATTERN = 1 << 20;
  private static final int CHUNK_VALUES = 5;

  private final Gpu gpu;
  private final DeviceScope scope;
  private final Map<String, DeviceBuffer> patterns = new HashMap<>();

  /** The patterns belong to the scope. */
  Contents(Gpu gpu, DeviceScope scope) {
    this.gpu = gpu;
    this.scope = scope;
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
          case BFLOAT16 -> pattern("zeros", bytes -> {});
          case INT8 -> pattern("labels of images", bytes -> small(bytes, 10));
          case UINT8 ->
              parameter.name().equals("mask")
                  ? pattern("mask", bytes -> small(bytes, CHUNK_VALUES))
                  : pattern("pixels", bytes -> new Random(3).nextBytes(bytes.array()));
          case STATE -> pattern("state", Contents::state);
          case INT32 ->
              switch (parameter.name()) {
                case "labels" -> pattern("labels " + classes, bytes -> labels(bytes, classes));
                case "labelledRows" -> pattern("rows " + rows, bytes -> bytes.putInt(0, rows));
                case "order", "ids" -> pattern("order", Contents::order);
                default -> pattern("zeros", bytes -> {});
              };
        };
    repeat(pattern, buffer);
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
          DeviceBuffer pattern =
              scope.own(gpu.context().memory().allocate(name, bytes.capacity()));
          gpu.upload(bytes.array(), pattern);
          return pattern;
        });
  }

  /** Copies the pattern to the start, and then what is filled behind it, until all is. */
  private void repeat(DeviceBuffer pattern, DeviceBuffer target) {
    CudaStream stream = gpu.stream();
    long done = Math.min(pattern.byteSize(), target.byteSize());
    stream.copy(pattern, 0, target, 0, done);
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
  private static void order(ByteBuffer bytes) {
    int[] order = new int[IMAGES];
    Random random = new Random(5);
    for (int i = 0; i < IMAGES; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (int i = 0; bytes.hasRemaining(); i = (i + 1) % IMAGES) {
      bytes.putInt(order[i]);
    }
  }

  private static void state(ByteBuffer bytes) {
    bytes.putLong(StateLayout.OPTIMIZER_STEP, 1000);
  }
}
