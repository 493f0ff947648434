package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The gather of a batch, to the bit. */
final class GatherCases {
  private static final int IMAGES = 9;
  private static final int CLASSES = 10;

  /**
   * A batch to gather.
   *
   * @param cursor images of the epoch that are done
   */
  private record Batch(
      int rows, int cursor, int channels, int pixels, int paddedChannels, boolean teacher) {
    int imageBytes() {
      return channels * pixels;
    }

    int outputs(boolean nhwc) {
      return pixels * (nhwc ? paddedChannels : channels);
    }
  }

  private GatherCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (KernelSignature kernel :
        List.of(
            GatherKernels.NCHW_FLOAT32_V1,
            GatherKernels.NCHW_FLOAT32,
            GatherKernels.NCHW_BFLOAT16)) {
      addAll(kernel, false, cases);
    }
    for (KernelSignature kernel :
        List.of(
            GatherKernels.NHWC_FLOAT32_V1,
            GatherKernels.NHWC_FLOAT32,
            GatherKernels.NHWC_BFLOAT16)) {
      addAll(kernel, true, cases);
    }
    return cases;
  }

  private static void addAll(KernelSignature kernel, boolean nhwc, List<KernelCase> cases) {
    List<Batch> batches = new ArrayList<>();
    batches.add(new Batch(5, 3, 3, 1024, 3, true)); // CIFAR-10
    batches.add(new Batch(4, 0, 3, 1024, 3, false));
    batches.add(new Batch(1, 8, 3, 16, 3, true));
    batches.add(new Batch(9, 0, 1, 64, 1, true));
    if (nhwc) {
      batches.add(new Batch(2, 1, 3, 1024, 4, true));
      batches.add(new Batch(2, 1, 3, 64, 8, false));
    }
    if (!kernel.symbol().endsWith("v2")) {
      batches.add(new Batch(3, 2, 3, 35, 3, true)); // no multiple of anything
      batches.add(new Batch(3, 2, 1, 1, nhwc ? 3 : 1, true));
    }
    for (Batch batch : batches) {
      cases.add(of(kernel, batch, nhwc));
    }
  }

  private static KernelCase of(KernelSignature kernel, Batch batch, boolean nhwc) {
    Random random = new Random(5);
    byte[] data = new byte[IMAGES * batch.imageBytes()];
    random.nextBytes(data);
    byte[] dataLabels = new byte[IMAGES];
    float[] cache = new float[IMAGES * CLASSES];
    for (int image = 0; image < IMAGES; image++) {
      // most are classes; one is none, one is no class at all
      dataLabels[image] = (byte) (image == 2 ? LossBatch.NO_LABEL : image == 5 ? 77 : image);
      for (int c = 0; c < CLASSES; c++) {
        cache[image * CLASSES + c] = (float) random.nextGaussian();
      }
    }
    int[] order = {4, 2, 7, 0, 5, 8, 1, 3, 6};
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    state.cursor = batch.cursor();
    KernelSizes sizes =
        KernelSizes.of("rows", batch.rows(), "classes", CLASSES)
            .and("channels", batch.channels())
            .and("pixels", batch.pixels())
            .and("paddedChannels", batch.paddedChannels());
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

  private static void addOutputs(
      KernelCase result,
      KernelSignature kernel,
      Batch batch,
      boolean nhwc,
      byte[] data,
      byte[] dataLabels,
      int[] order) {
    int outputs = batch.outputs(nhwc);
    float[] images = new float[batch.rows() * outputs];
    int[] ids = new int[batch.rows()];
    int[] labels = new int[batch.rows()];
    int labelled = 0;
    for (int row = 0; row < batch.rows(); row++) {
      ids[row] = order[batch.cursor() + row];
      labels[row] = dataLabels[ids[row]];
      labelled += labels[row] >= 0 && labels[row] < CLASSES ? 1 : 0;
      for (int channel = 0; channel < batch.channels(); channel++) {
        for (int pixel = 0; pixel < batch.pixels(); pixel++) {
          int inImage = channel * batch.pixels() + pixel;
          int value = data[ids[row] * batch.imageBytes() + inImage] & 0xff;
          int to = nhwc ? pixel * batch.paddedChannels() + channel : inImage;
          images[row * outputs + to] = (value / 255f - 0.5f) / 0.5f; // PyTorch's operations
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
    float[] teacher = new float[batch.rows() * CLASSES];
    for (int row = 0; row < batch.rows(); row++) {
      System.arraycopy(
          cache, order[batch.cursor() + row] * CLASSES, teacher, row * CLASSES, CLASSES);
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
