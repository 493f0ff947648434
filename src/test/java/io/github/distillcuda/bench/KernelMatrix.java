package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.ConvolutionKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.FilterGradientKernels;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.cuda.kernels.StepKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import io.github.distillcuda.cuda.kernels.UnfusedLossKernels;
import io.github.distillcuda.cuda.kernels.WideChainKernels;
import io.github.distillcuda.cuda.kernels.WideLossKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is timed, the most important first. */
final class KernelMatrix {
  private static final int BATCH = 64;
  private static final int LARGE_BATCH = 1024;
  private static final int WIDE_ELEMENTS = 1 << 27;

  /** Of each matrix of the chains, which have a dozen. */
  private static final int CHAIN_ELEMENTS = 1 << 26;

  /** Of the GPUs that this is measured on: H100, H200. */
  private static final int COMPUTE_CAPABILITY = 90;

  private static final int SHARED_BYTES = 227 * 1024;
  private static final int STUDENT_PARAMETERS = 545_098;
  private static final int TEACHER_PARAMETERS = 2_175_626;
  private static final int MANY_PARAMETERS = 1 << 26;

  private final List<Workload> workloads = new ArrayList<>();

  private KernelMatrix() {}

  static List<Workload> all() {
    KernelMatrix matrix = new KernelMatrix();
    matrix.addLosses();
    matrix.addWideLosses();
    matrix.addLadder();
    matrix.addSoftmax();
    matrix.addAdam();
    matrix.addRounding();
    for (int batch : new int[] {BATCH, LARGE_BATCH}) {
      matrix.addGather(batch);
      matrix.addImageConvolution(batch);
      matrix.addConvolution(batch);
      matrix.addPool(batch);
      matrix.addStep(batch);
    }
    return matrix.workloads;
  }

  /** Rows that fill the chip: tensors that no cache holds. */
  static int largeRows(int classes) {
    return classes <= 32 ? 1 << 20 : classes <= 256 ? 1 << 18 : 1 << 16;
  }

  private void addLosses() {
    for (int classes : new int[] {10, 100, 1000}) {
      workloads.addAll(LossWorkloads.all(BATCH, classes));
      workloads.addAll(LossWorkloads.all(largeRows(classes), classes));
    }
    workloads.addAll(LossWorkloads.all(1 << 16, 10));
    workloads.addAll(LossWorkloads.all(1 << 18, 10));
    workloads.addAll(LossWorkloads.all(1 << 16, 100));
  }

  /**
   * Vocabularies, with rows that no cache holds: by the kernel that is selected, streamed, and in
   * the two passes that both are compared with.
   */
  private void addWideLosses() {
    for (ElementType type : new ElementType[] {ElementType.FLOAT32, ElementType.BFLOAT16}) {
      for (int classes :
          new int[] {2048, 4096, 8192, 16_384, 32_768, 65_536, 128_256, 151_936, 262_144}) {
        KernelSizes sizes = KernelSizes.of("rows", WIDE_ELEMENTS / classes, "classes", classes);
        add("distillation loss of a vocabulary", selected(type, sizes), sizes);
        add("distillation loss of a vocabulary", WideLossKernels.streamed(type), sizes);
        add("distillation loss of a vocabulary", WideLossKernels.twoPass(type), sizes);
      }
      for (int classes : new int[] {4096, 32_768, 128_256}) {
        workloads.addAll(LossWorkloads.all(type, CHAIN_ELEMENTS / classes, classes));
      }
      for (int classes : new int[] {4096, 16_384, 128_256, 262_144}) {
        addWideSoftmax(type, classes);
      }
    }
  }

  /** The loss's kernel on the GPUs that this is measured on. */
  static KernelSignature selected(ElementType type, KernelSizes sizes) {
    return DistillationLossKernels.select(type, sizes, COMPUTE_CAPABILITY, SHARED_BYTES);
  }

  private void addWideSoftmax(ElementType type, int classes) {
    KernelSizes sizes = KernelSizes.of("rows", WIDE_ELEMENTS / classes, "classes", classes);
    for (Operation operation : Operation.values()) {
      KernelSignature selected =
          TemperatureSoftmaxKernels.select(
              operation, type, sizes, COMPUTE_CAPABILITY, SHARED_BYTES);
      String name =
          operation.name().toLowerCase(Locale.ROOT).replace('_', ' ') + " of a vocabulary";
      add(name, selected, sizes);
      add(name, TemperatureSoftmaxKernels.of(operation, type).getLast(), sizes);
    }
    add("row outcome of a vocabulary", WideChainKernels.rowOutcome(type), sizes);
  }

  /** Each rung of the loss at the most classes that {@code kernels/README.md} has it at. */
  private void addLadder() {
    for (int classes : new int[] {10, 32, 100, 200, 1000}) {
      List<KernelSignature> rungs =
          Stream.of(DistillationLossKernels.SELECTED, DistillationLossKernels.OTHER_RUNGS)
              .flatMap(List::stream)
              .filter(kernel -> isOfRange(kernel, classes))
              .toList();
      for (int rows : new int[] {BATCH, largeRows(classes)}) {
        KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
        rungs.stream()
            .filter(rung -> rung.accepts(sizes))
            .forEach(rung -> add("distillation loss, by rung", rung, sizes));
        add("distillation loss alone", DistillationLossKernels.FORWARD, sizes);
      }
    }
  }

  /** Whether a rung is made for this many classes: it takes them, and not four times as many. */
  private static boolean isOfRange(KernelSignature kernel, int classes) {
    return kernel.accepts(KernelSizes.of("rows", 1, "classes", classes))
        && !kernel.accepts(KernelSizes.of("rows", 1, "classes", 4 * classes));
  }

  private void addSoftmax() {
    for (int classes : new int[] {10, 100, 1000}) {
      for (int rows : new int[] {BATCH, largeRows(classes)}) {
        KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
        add("temperature softmax", TemperatureSoftmaxKernels.SOFTMAX, sizes);
        add("temperature log-softmax", TemperatureSoftmaxKernels.LOG_SOFTMAX, sizes);
        add("softmax backward", TemperatureSoftmaxKernels.SOFTMAX_BACKWARD, sizes);
        add("log-softmax backward", TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD, sizes);
        add("row outcome", UnfusedLossKernels.ROW_OUTCOME, sizes);
      }
    }
  }

  private void add(String operation, List<KernelSignature> byRange, KernelSizes sizes) {
    add(operation, KernelCatalog.select(byRange, sizes), sizes);
  }

  private void add(String operation, KernelSignature kernel, KernelSizes sizes) {
    workloads.add(Workload.of(operation, kernel, sizes));
  }

  private void addAdam() {
    for (int n : new int[] {STUDENT_PARAMETERS, TEACHER_PARAMETERS, MANY_PARAMETERS}) {
      add("Adam", StepKernels.ADAM_V1, KernelSizes.of("n", n));
      add("Adam", StepKernels.ADAM, KernelSizes.of("n", Math.ceilDiv(n, 4) * 4));
    }
  }

  /** The weights of a step, and images that a caller filled. */
  private void addRounding() {
    for (int n : new int[] {STUDENT_PARAMETERS, TEACHER_PARAMETERS}) {
      KernelSizes sizes = KernelSizes.of("n", RoundingKernels.padded(n));
      add("rounding to bfloat16", RoundingKernels.ROUND, sizes);
      add("widening to float32", RoundingKernels.WIDEN, sizes);
    }
    add(
        "rounding to bfloat16",
        RoundingKernels.ROUND_CHANNELS_LAST,
        KernelSizes.of("rows", BATCH, "channels", 3).and("pixels", 1024));
  }

  private void addGather(int rows) {
    KernelSizes sizes =
        KernelSizes.of("rows", rows, "classes", 10).and("channels", 3).and("pixels", 1024);
    add("gather", GatherKernels.NCHW_FLOAT32_V1, sizes.and("paddedChannels", 3));
    add("gather", GatherKernels.NCHW_FLOAT32, sizes.and("paddedChannels", 3));
    add("gather", GatherKernels.NHWC_FLOAT32_V1, sizes.and("paddedChannels", 4));
    add("gather", GatherKernels.NHWC_FLOAT32, sizes.and("paddedChannels", 4));
    add("gather", GatherKernels.NCHW_BFLOAT16, sizes.and("paddedChannels", 3));
    add("gather", GatherKernels.NHWC_BFLOAT16, sizes.and("paddedChannels", 4));
  }

  /** The first layer of student and teacher, and the gradients of its filters. */
  private void addImageConvolution(int images) {
    for (int channels : new int[] {32, 64}) {
      KernelSizes sizes = convolution(images, 32).and("channels", channels);
      add("convolution, bias, ReLU, pool", ImageConvolutionKernels.POOL_NCHW, sizes);
      add("convolution, bias, ReLU, pool", ImageConvolutionKernels.POOL_NHWC, sizes);
      addFilterGradient(sizes.and("inputs", ImageConvolutionKernels.IN_CHANNELS));
    }
    // The second layer of the student.
    addFilterGradient(convolution(images, 16).and("channels", 64).and("inputs", 32));
  }

  /** The second layer of student and teacher. */
  private void addConvolution(int images) {
    for (int inputs : new int[] {32, 64}) {
      KernelSizes sizes = convolution(images, 16).and("inputs", inputs).and("channels", 2 * inputs);
      add("convolution of many channels, bias, ReLU, pool", ConvolutionKernels.POOL, sizes);
      add("its backward to the input", ConvolutionKernels.POOL_BACKWARD_C32, sizes);
      add("its backward to the input", ConvolutionKernels.POOL_BACKWARD_C64, sizes);
    }
  }

  private static KernelSizes convolution(int images, int side) {
    return KernelSizes.of("images", images, "height", side).and("width", side);
  }

  private void addFilterGradient(KernelSizes sizes) {
    List<KernelSignature> firstStages =
        List.of(
            FilterGradientKernels.PARTIALS_NCHW,
            FilterGradientKernels.PARTIALS_NHWC,
            FilterGradientKernels.PARTIALS_NCHW_TF32);
    firstStages.forEach(kernel -> add("filter gradient, first stage", kernel, sizes));
    firstStages.stream()
        .map(kernel -> FilterGradientKernels.count(kernel, sizes))
        .distinct()
        .forEach(
            count ->
                add(
                    "filter gradient, second stage",
                    FilterGradientKernels.SUM,
                    KernelSizes.of("count", count)
                        .and("inputs", (int) sizes.get("inputs"))
                        .and("channels", (int) sizes.get("channels"))));
  }

  /** The first convolution of the student: 32 channels of 32x32. */
  private void addPool(int rows) {
    int channels = 32;
    KernelSizes image = KernelSizes.of("channels", channels, "height", 32).and("width", 32);
    KernelSizes planes = image.and("planes", rows * channels);
    add("bias, ReLU, pool", ConvolutionBlockKernels.POOL_NCHW_V1, planes);
    add("bias, ReLU, pool", ConvolutionBlockKernels.POOL_NCHW, planes);
    add("its backward", ConvolutionBlockKernels.POOL_BACKWARD_NCHW_V1, planes);
    add("its backward", ConvolutionBlockKernels.POOL_BACKWARD_NCHW, planes);
    KernelSizes windows = image.and("windows", rows * 16 * 16);
    add("bias, ReLU, pool", ConvolutionBlockKernels.POOL_NHWC, windows);
    add("its backward", ConvolutionBlockKernels.POOL_BACKWARD_NHWC, windows);
    add("bias, ReLU, pool", ConvolutionBlockKernels.POOL_NHWC_BFLOAT16, windows);
    add("its backward", ConvolutionBlockKernels.POOL_BACKWARD_NHWC_BFLOAT16, windows);
    add(
        "bias gradient",
        ConvolutionBlockKernels.BIAS_GRADIENT,
        KernelSizes.of("count", rows, "channels", channels));
    KernelSizes linear = KernelSizes.of("rows", rows, "channels", 128);
    add("bias, ReLU", ConvolutionBlockKernels.BIAS_RELU, linear);
    add("its backward", ConvolutionBlockKernels.BIAS_RELU_BACKWARD, linear);
  }

  private void addStep(int rows) {
    KernelSizes sizes = KernelSizes.of("rows", rows);
    add("row sums", StepKernels.ROW_SUMS, sizes);
    add("batch means", StepKernels.BATCH_MEANS, sizes);
    add("labelled rows", StepKernels.COUNT_LABELLED, sizes.and("classes", 10));
    add("store logits", StepKernels.STORE_LOGITS, sizes.and("classes", 10));
    add("advance", StepKernels.ADVANCE, sizes.and("optimizerSteps", 1));
    int n = Math.ceilDiv(STUDENT_PARAMETERS, 4) * 4;
    add("finite check", StepKernels.FINITE_CHECK, KernelSizes.of("n", n));
  }
}
