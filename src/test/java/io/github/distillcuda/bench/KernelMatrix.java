package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.AdamKernels;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.ConvolutionKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossFusedKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedWideKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossWideKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.FilterGradientKernels;
import io.github.distillcuda.cuda.kernels.FilterGradientTensorCoreKernels;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What is timed, the most important first: the three forms of the loss, and the kernels of each
 * {@code kernels/<name>.cu} by a method of that name.
 */
final class KernelMatrix {
  private static final int BATCH = 64;
  private static final int LARGE_BATCH = 1024;
  private static final int WIDE_ELEMENTS = 1 << 27;

  /** Of each matrix of the chains, which have a dozen. */
  private static final int CHAIN_ELEMENTS = 1 << 26;

  private static final int[] WIDE_SOFTMAX_CLASSES = {4096, 16_384, 128_256, 262_144};
  private static final String FIRST_STAGE = "filter gradient, first stage";

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
    for (ElementType type : new ElementType[] {ElementType.FLOAT32, ElementType.BFLOAT16}) {
      matrix.addDistillationLossWide(type);
      matrix.addDistillationLossUnfusedWide(type);
      matrix.addTemperatureSoftmaxWide(type);
    }
    matrix.addDistillationLossFused();
    matrix.addTemperatureSoftmax();
    matrix.addDistillationLossUnfused();
    matrix.addAdam();
    matrix.addRounding();
    for (int batch : new int[] {BATCH, LARGE_BATCH}) {
      matrix.addGather(batch);
      matrix.addImageConvolution(batch);
      matrix.addFilterGradient(batch);
      matrix.addFilterGradientTensorCore(batch);
      matrix.addConvolution(batch);
      matrix.addConvolutionBlock(batch);
      matrix.addReduction(batch);
    }
    return matrix.workloads;
  }

  /** Rows that fill the chip: tensors that no cache holds. */
  static int largeRows(int classes) {
    return classes <= 32 ? 1 << 20 : classes <= 256 ? 1 << 18 : 1 << 16;
  }

  private void addLosses() {
    for (int classes : new int[] {10, 100, 1000}) {
      addLosses(BATCH, classes);
      addLosses(largeRows(classes), classes);
    }
    addLosses(1 << 16, 10);
    addLosses(1 << 18, 10);
    addLosses(1 << 16, 100);
  }

  private void addLosses(int rows, int classes) {
    workloads.addAll(LossWorkloads.all(rows, classes));
    workloads.add(LossWorkloads.fusedAndCounted(rows, classes));
  }

  /**
   * Vocabularies, with rows that no cache holds: by the kernel that is selected, streamed, and in
   * the two passes that both are compared with.
   */
  private void addDistillationLossWide(ElementType type) {
    for (int classes :
        new int[] {2048, 4096, 8192, 16_384, 32_768, 65_536, 128_256, 151_936, 262_144}) {
      KernelSizes sizes = KernelSizes.of("rows", WIDE_ELEMENTS / classes, "classes", classes);
      add("distillation loss of a vocabulary", selected(type, sizes), sizes);
      add("distillation loss of a vocabulary", DistillationLossWideKernels.streamed(type), sizes);
      add("distillation loss of a vocabulary", DistillationLossWideKernels.twoPass(type), sizes);
      if (type == ElementType.FLOAT32 && classes > 131_072) {
        add("distillation loss of a vocabulary", DistillationLossWideKernels.largest(), sizes);
      }
    }
  }

  /** The chains, and what is in neither. */
  private void addDistillationLossUnfusedWide(ElementType type) {
    for (int classes : new int[] {4096, 32_768, 128_256}) {
      workloads.addAll(LossWorkloads.all(type, CHAIN_ELEMENTS / classes, classes));
    }
    for (int classes : WIDE_SOFTMAX_CLASSES) {
      KernelSizes sizes = KernelSizes.of("rows", WIDE_ELEMENTS / classes, "classes", classes);
      add(
          "row outcome of a vocabulary",
          DistillationLossUnfusedWideKernels.rowOutcome(type),
          sizes);
    }
  }

  /** The loss's kernel on the GPUs that this is measured on. */
  static KernelSignature selected(ElementType type, KernelSizes sizes) {
    return selected(DistillationLossFusedKernels.of(type), sizes);
  }

  private static KernelSignature selected(List<KernelSignature> kernels, KernelSizes sizes) {
    return KernelCatalog.select(kernels, sizes, COMPUTE_CAPABILITY, SHARED_BYTES);
  }

  private void addTemperatureSoftmaxWide(ElementType type) {
    for (int classes : WIDE_SOFTMAX_CLASSES) {
      for (Operation operation : Operation.values()) {
        addTemperatureSoftmaxWide(
            operation, type, KernelSizes.of("rows", WIDE_ELEMENTS / classes, "classes", classes));
      }
    }
  }

  private void addTemperatureSoftmaxWide(Operation operation, ElementType type, KernelSizes sizes) {
    String name = operation.name().toLowerCase(Locale.ROOT).replace('_', ' ') + " of a vocabulary";
    List<KernelSignature> kernels = TemperatureSoftmaxKernels.of(operation, type);
    add(name, selected(kernels, sizes), sizes);
    add(name, kernels.getLast(), sizes);
  }

  /** Each rung of the loss at the most classes that {@code kernels/README.md} has it at. */
  private void addDistillationLossFused() {
    for (int classes : new int[] {10, 32, 100, 200, 1000}) {
      List<KernelSignature> rungs =
          Stream.concat(
                  DistillationLossFusedKernels.SELECTED.stream(),
                  Stream.of(DistillationLossFusedKernels.WARP_A_ROW))
              .filter(kernel -> isOfRange(kernel, classes))
              .toList();
      for (int rows : new int[] {BATCH, largeRows(classes)}) {
        KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
        rungs.stream()
            .filter(rung -> rung.accepts(sizes))
            .forEach(rung -> add("distillation loss, by rung", rung, sizes));
        add("distillation loss alone", DistillationLossFusedKernels.FORWARD, sizes);
      }
    }
  }

  /** Whether a rung is made for this many classes: it takes them, and not four times as many. */
  private static boolean isOfRange(KernelSignature kernel, int classes) {
    return kernel.accepts(KernelSizes.of("rows", 1, "classes", classes))
        && !kernel.accepts(KernelSizes.of("rows", 1, "classes", 4 * classes));
  }

  private void addTemperatureSoftmax() {
    for (KernelSizes sizes : rowsOfClasses()) {
      add("temperature softmax", TemperatureSoftmaxKernels.SOFTMAX, sizes);
      add("temperature log-softmax", TemperatureSoftmaxKernels.LOG_SOFTMAX, sizes);
      add("softmax backward", TemperatureSoftmaxKernels.SOFTMAX_BACKWARD, sizes);
      add("log-softmax backward", TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD, sizes);
    }
  }

  /** What is in none of the chains. */
  private void addDistillationLossUnfused() {
    for (KernelSizes sizes : rowsOfClasses()) {
      add("row outcome", DistillationLossUnfusedKernels.ROW_OUTCOME, sizes);
    }
  }

  private static List<KernelSizes> rowsOfClasses() {
    return Stream.of(10, 100, 1000)
        .flatMap(
            classes ->
                Stream.of(BATCH, largeRows(classes))
                    .map(rows -> KernelSizes.of("rows", rows, "classes", classes)))
        .toList();
  }

  private void add(String operation, List<KernelSignature> byRange, KernelSizes sizes) {
    add(operation, KernelCatalog.select(byRange, sizes), sizes);
  }

  private void add(String operation, KernelSignature kernel, KernelSizes sizes) {
    workloads.add(Workload.of(operation, kernel, sizes));
  }

  private void addAdam() {
    for (int n : new int[] {STUDENT_PARAMETERS, TEACHER_PARAMETERS, MANY_PARAMETERS}) {
      add("Adam", AdamKernels.ADAM_V1, KernelSizes.of("n", n));
      add("Adam", AdamKernels.ADAM, KernelSizes.of("n", Math.ceilDiv(n, 4) * 4));
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
    add("gather", GatherKernels.NCHW_FLOAT32_V1, sizes);
    add("gather", GatherKernels.NCHW_FLOAT32, sizes);
    add("gather", GatherKernels.NHWC_BFLOAT16, sizes);
  }

  /** The first layer of student and teacher. */
  private void addImageConvolution(int images) {
    for (int channels : new int[] {32, 64}) {
      KernelSizes sizes = convolution(images, 32).and("channels", channels);
      add("convolution, bias, ReLU, pool", ImageConvolutionKernels.POOL, sizes);
    }
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

  private void addFilterGradient(int images) {
    for (KernelSizes sizes : filterGradients(images)) {
      add(FIRST_STAGE, FilterGradientKernels.PARTIALS, sizes);
      // The partial sums of either first stage.
      Stream.of(FilterGradientKernels.PARTIALS, FilterGradientTensorCoreKernels.PARTIALS)
          .map(firstStage -> FilterGradientKernels.count(firstStage, sizes))
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
  }

  private void addFilterGradientTensorCore(int images) {
    for (KernelSizes sizes : filterGradients(images)) {
      add(FIRST_STAGE, FilterGradientTensorCoreKernels.PARTIALS, sizes);
    }
  }

  /** The first layer of student and teacher, and the second layer of the student. */
  private static List<KernelSizes> filterGradients(int images) {
    KernelSizes first = convolution(images, 32).and("inputs", 3);
    return List.of(
        first.and("channels", 32),
        first.and("channels", 64),
        convolution(images, 16).and("channels", 64).and("inputs", 32));
  }

  /** The first convolution of the student: 32 channels of 32x32. */
  private void addConvolutionBlock(int rows) {
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
    add(
        "bias gradient",
        ConvolutionBlockKernels.BIAS_GRADIENT,
        KernelSizes.of("count", rows, "channels", channels));
    KernelSizes linear = KernelSizes.of("rows", rows, "channels", 128);
    add("bias, ReLU", ConvolutionBlockKernels.BIAS_RELU, linear);
    add("its backward", ConvolutionBlockKernels.BIAS_RELU_BACKWARD, linear);
  }

  private void addReduction(int rows) {
    KernelSizes sizes = KernelSizes.of("rows", rows);
    add("row sums", ReductionKernels.ROW_SUMS, sizes);
    add("batch means", ReductionKernels.BATCH_MEANS, sizes);
    add("labelled rows", ReductionKernels.COUNT_LABELLED, sizes.and("classes", 10));
    add("store logits", ReductionKernels.STORE_LOGITS, sizes.and("classes", 10));
    add("advance", ReductionKernels.ADVANCE, sizes.and("optimizerSteps", 1));
    int n = Math.ceilDiv(STUDENT_PARAMETERS, 4) * 4;
    add("finite check", ReductionKernels.FINITE_CHECK, KernelSizes.of("n", n));
  }
}
