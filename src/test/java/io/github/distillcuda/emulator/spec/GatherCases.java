package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The gather of a batch, to the bit. */
final class GatherCases {
  /** Images of the data set that no batch gathers. */
  private static final int SPARE = 3;

  /**
   * A batch to gather.
   *
   * @param cursor images of the epoch that are done
   * @param classes of the labels, and of the teacher's logits
   */
  private record Batch(
      int rows, int cursor, int classes, int channels, int pixels, boolean teacher) {
    /** Ten classes; the teacher's logits are cached. */
    Batch(int rows, int cursor, int channels, int pixels) {
      this(rows, cursor, 10, channels, pixels, true);
    }

    /** Images of the data set. */
    int images() {
      return cursor + rows + SPARE;
    }

    /** Each is a byte of the data set. */
    int imageElements() {
      return channels * pixels;
    }
  }

  private GatherCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    addAll(GatherKernels.NCHW_FLOAT32_V1, false, cases);
    addAll(GatherKernels.NCHW_FLOAT32, false, cases);
    addAll(GatherKernels.NHWC_BFLOAT16, true, cases);
    return cases;
  }

  /** Images of CIFAR-10. */
  static Stream<KernelCase> counted() {
    Batch batch = new Batch(16, 3, 3, 1024);
    return Stream.of(
        of(GatherKernels.NCHW_FLOAT32_V1, batch, false),
        of(GatherKernels.NCHW_FLOAT32, batch, false),
        of(GatherKernels.NHWC_BFLOAT16, batch, true));
  }

  private static void addAll(KernelSignature kernel, boolean nhwc, List<KernelCase> cases) {
    List<Batch> batches = new ArrayList<>();
    batches.add(new Batch(5, 3, 3, 1024)); // CIFAR-10
    batches.add(new Batch(4, 0, 10, 3, 1024, false));
    batches.add(new Batch(1, 8, 3, 16));
    batches.add(new Batch(9, 0, 1, 64));
    for (int channels : new int[] {2, 4}) { // an even number of rounds over an image
      batches.add(new Batch(1, 0, channels, 1024));
    }
    for (int rows : Shapes.ROWS) {
      batches.add(new Batch(rows, 7, 1, 16));
    }
    batches.add(new Batch(1025, 7, 1, 16)); // the block that counts labels loops five times
    for (int classes : new int[] {1, 2, 127, 128}) { // labels are signed bytes
      batches.add(new Batch(65, 7, classes, 1, 16, true));
    }
    batches.add(new Batch(2, 7, 1000, 1, 16, true)); // more logits than threads
    if (nhwc) {
      for (int channels = 1; channels <= 8; channels++) {
        batches.add(new Batch(2, 1, 10, channels, 48, false));
      }
    }
    if (kernel == GatherKernels.NCHW_FLOAT32_V1) {
      batches.add(new Batch(3, 2, 3, 35)); // no multiple of anything
      batches.add(new Batch(3, 2, 1, 1));
    }
    for (Batch batch : batches) {
      cases.add(of(kernel, batch, nhwc));
    }
  }

  private static KernelCase of(KernelSignature kernel, Batch batch, boolean nhwc) {
    Random random = new Random(5);
    byte[] data = new byte[batch.images() * batch.imageElements()];
    random.nextBytes(data);
    byte[] dataLabels = new byte[batch.images()];
    for (int image = 0; image < dataLabels.length; image++) {
      dataLabels[image] = label(image, batch.classes(), random);
    }
    float[] cache = new float[batch.images() * batch.classes()];
    for (int i = 0; i < cache.length; i++) {
      cache[i] = (float) random.nextGaussian();
    }
    int[] order = order(batch, random);
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    state.cursor = batch.cursor();
    KernelSizes sizes =
        KernelSizes.of("rows", batch.rows(), "classes", batch.classes())
            .and("channels", batch.channels())
            .and("pixels", batch.pixels());
    KernelCase result =
        new KernelCase(kernel, sizes, "from " + batch.cursor())
            .in("data", data)
            .in("dataLabels", dataLabels)
            .in("order", order)
            .in("state", state.toBytes());
    addOutputs(result, kernel, batch, nhwc, data, dataLabels, order);
    if (batch.teacher()) {
      result.in("teacherCache", cache).out("teacher", teacher(batch, cache, order));
    }
    return result;
  }

  /** Two of five are classes, the last one among them; the others are none, or out of range. */
  private static byte label(int image, int classes, Random random) {
    int last = Math.min(classes, 128) - 1;
    return (byte)
        switch (image % 5) {
          case 0 -> LossBatch.NO_LABEL;
          case 1 -> Math.min(classes, 127); // one too many, but where a byte can name no such class
          case 2 -> -1;
          case 3 -> last;
          default -> random.nextInt(last + 1);
        };
  }

  /** Only as much of a permutation as is gathered until the end of the batch. */
  private static int[] order(Batch batch, Random random) {
    List<Integer> ids = new ArrayList<>(IntStream.range(0, batch.images()).boxed().toList());
    Collections.shuffle(ids, random);
    return ids.subList(0, batch.cursor() + batch.rows()).stream().mapToInt(id -> id).toArray();
  }

  private static void addOutputs(
      KernelCase result,
      KernelSignature kernel,
      Batch batch,
      boolean nhwc,
      byte[] data,
      byte[] dataLabels,
      int[] order) {
    int elements = batch.imageElements();
    float[] images = new float[batch.rows() * elements];
    int[] ids = new int[batch.rows()];
    int[] labels = new int[batch.rows()];
    int labelled = 0;
    for (int row = 0; row < batch.rows(); row++) {
      ids[row] = order[batch.cursor() + row];
      labels[row] = dataLabels[ids[row]];
      labelled += labels[row] >= 0 && labels[row] < batch.classes() ? 1 : 0;
      for (int channel = 0; channel < batch.channels(); channel++) {
        for (int pixel = 0; pixel < batch.pixels(); pixel++) {
          int inImage = channel * batch.pixels() + pixel;
          int value = data[ids[row] * elements + inImage] & 0xff;
          int to = nhwc ? pixel * batch.channels() + channel : inImage;
          images[row * elements + to] = (value / 255f - 0.5f) / 0.5f; // PyTorch's operations
        }
      }
    }
    boolean bfloat16 =
        kernel.pointers().stream().anyMatch(p -> p.element() == ElementType.BFLOAT16);
    result
        .out("images", bfloat16 ? toBfloat16(images) : Expected.floats(images))
        .out("ids", Expected.ints(ids))
        .out("labels", Expected.ints(labels))
        .out("labelledRows", Expected.ints(labelled));
  }

  private static Expected teacher(Batch batch, float[] cache, int[] order) {
    int classes = batch.classes();
    float[] teacher = new float[batch.rows() * classes];
    for (int row = 0; row < batch.rows(); row++) {
      System.arraycopy(
          cache, order[batch.cursor() + row] * classes, teacher, row * classes, classes);
    }
    return Expected.floats(teacher);
  }

  /** The nearer of the two bfloat16 numbers around each float, the even one of equals. */
  private static Expected toBfloat16(float[] values) {
    byte[] bytes = new byte[2 * values.length];
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      float below = Float.intBitsToFloat(bits & 0xffff0000);
      float above = Float.intBitsToFloat((bits & 0xffff0000) + 0x10000);
      double toBelow = Math.abs((double) values[i] - below);
      double toAbove = Math.abs((double) above - values[i]);
      boolean evenBelow = (bits & 0x10000) == 0;
      float nearest = toBelow < toAbove || (toBelow == toAbove && evenBelow) ? below : above;
      byte[] four = HostBytes.of(nearest);
      bytes[2 * i] = four[2];
      bytes[2 * i + 1] = four[3];
    }
    return Expected.bytes(bytes);
  }
}
