package io.github.distillcuda.cuda;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;

import io.github.distillcuda.cuda.kernels.DistillationLossFusedKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.RowOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The distillation loss of logits that are on a GPU, and its gradient, in the caller's stream:
 *
 * {@snippet lang=text :
 * p = softmax(z/T)    q = softmax(v/T)    s = softmax(z)
 * distillation[n] = T^2 * KL(q || p)      crossEntropy[n] = -log s_y, 0 without a label
 * loss = alpha * mean over the rows of distillation
 *      + (1 - alpha) * mean over the labelled rows of crossEntropy
 * gradient = alpha * T * (p - q) / N + (1 - alpha) * (s - onehot(y)) / L
 * }
 *
 * <p>z are the student's logits, v the teacher's, a constant; N is the number of rows and L of
 * those with a label (Hinton et al. 2015, section 2; {@code distill.DistillationLoss} is the same
 * on plain arrays). Logits are [N, classes], row-major and dense, float32 or bfloat16; arithmetic
 * and terms are float32. To 1,024 classes they hold at every T from 1e-3 to 1e6; of more classes,
 * where student and teacher nearly agree, T^2 * KL may be off by 3e-3 of itself at T = 100 and is
 * noise at T = 1e6, its gradient by 6e-5 and a third, and by 7e-4 where both are nearly one-hot
 * ({@code kernels/README.md} has the table). A row is read once where the GPU can hold it: to
 * 16,384 classes in a block, to 131,072 (262,144 in bfloat16) in a cluster of them on compute
 * capability 9.0 and 10.0, unless it is a part of a GPU without room for the cluster.
 *
 * <p>Made once for a type and a number of classes, then launched any number of times on any number
 * of rows: a launch is asynchronous, may be captured in a graph, and allocates nothing on the
 * device. A graph keeps addresses: this and the arrays must stay open until it is closed. The same
 * inputs give the same bits. Launches share a few bytes, so they must follow each other: in one
 * stream, or ordered by events; else later ones may count the labels wrongly. Used and closed by
 * the thread of its context.
 */
public final class CudaDistillationLoss extends LogitsOperation {
  /** The label of a row that has none: it counts in the distillation term alone. */
  public static final int NO_LABEL = -100;

  /** Few and many rows have different kernels at up to 256 classes. */
  private static final int[] ROWS_TO_LOAD_FOR = {1, 1 << 20};

  /**
   * What a loss is computed of.
   *
   * @param rows N, at least 1
   * @param studentLogits z, [N, classes]
   * @param teacherLogits v, [N, classes]; not read, and may be null, if alpha is 0
   * @param labels y, int32 [N], each a class or {@link #NO_LABEL}; another number counts as no
   *     label and is reported in the row's outcome
   */
  public record Batch(
      int rows, DeviceRange studentLogits, DeviceRange teacherLogits, DeviceRange labels) {}

  /**
   * Where the rows' results go.
   *
   * @param distillation T^2 * KL, float32 [N]; 0 if alpha is 0
   * @param crossEntropy float32 [N]; 0 if alpha is 1
   * @param outcome int32 [N], bits of {@link RowOutcome}: whether the row has a label, the first
   *     largest logit is there, a logit is not finite, the label is none
   */
  public record RowTerms(DeviceRange distillation, DeviceRange crossEntropy, DeviceRange outcome) {
    /** Bytes of a row. */
    public static final int ROW_BYTES = 12;

    /**
     * Puts the three arrays one behind the other in a buffer of N times {@link #ROW_BYTES}.
     *
     * @throws IllegalArgumentException if the buffer is smaller
     */
    public static RowTerms in(DeviceBuffer buffer, int rows) {
      long bytes = 4L * rows;
      if (rows < 1 || buffer.byteSize() < 3 * bytes) {
        throw new IllegalArgumentException(
            "%,d bytes of %s have no room for the terms of %,d rows"
                .formatted(buffer.byteSize(), buffer.name(), rows));
      }
      return new RowTerms(
          new DeviceSpan(buffer, 0, bytes),
          new DeviceSpan(buffer, bytes, bytes),
          new DeviceSpan(buffer, 2 * bytes, bytes));
    }
  }

  private DeviceBuffer labelledRows;
  private DeviceBuffer countProgress;
  private KernelLaunch count;
  private KernelLaunch loss;
  private KernelLaunch forward;
  private int rows;

  private CudaDistillationLoss(CudaContext context, ElementType type, int classes) {
    super(context, type, classes);
  }

  /**
   * Loads the kernels, which the driver compiles unless it has them in its cache; the caller closes
   * the result.
   *
   * @param type of logits and gradient, {@code FLOAT32} or {@code BFLOAT16}
   * @param classes logits in a row, at least 1
   * @throws IllegalArgumentException if the type is another or there are no classes
   * @throws io.github.distillcuda.failure.DistillException of the exit code DEVICE if the GPU lacks
   *     bfloat16, which is in compute capability 8.0 and later
   */
  public static CudaDistillationLoss prepare(CudaContext context, ElementType type, int classes) {
    try (DeviceScope preparing = new DeviceScope()) {
      CudaDistillationLoss loss = preparing.own(new CudaDistillationLoss(context, type, classes));
      loss.load();
      return preparing.release(loss);
    }
  }

  private void load() {
    List<KernelSignature> wanted = new ArrayList<>(List.of(ReductionKernels.COUNT_LABELLED));
    IntStream.of(ROWS_TO_LOAD_FOR).mapToObj(this::select).forEach(wanted::add);
    if (hasForward()) {
      wanted.add(selectForward());
    }
    load(wanted);
    count = launchOf(ReductionKernels.COUNT_LABELLED);
    forward = hasForward() ? launchOf(selectForward()) : null;
    labelledRows = allocateZeroed("labelled rows", Integer.BYTES);
    countProgress = allocateZeroed("progress of their count", Long.BYTES);
  }

  private KernelSignature select(int rowsOfBatch) {
    return first(DistillationLossFusedKernels.of(type()), rowsOfBatch);
  }

  private KernelSignature selectForward() {
    return KernelCatalog.select(DistillationLossFusedKernels.FORWARD, sizes(1));
  }

  /** Returns whether there is a kernel for the loss alone: in float32 to 1,024 classes. */
  public boolean hasForward() {
    return type() == FLOAT32 && DistillationLossFusedKernels.FORWARD.getLast().accepts(sizes(1));
  }

  /**
   * Computes the terms of a batch and the gradient of its loss with respect to the student's
   * logits. They are there once the stream got there; no array may be freed before.
   *
   * @param temperature T, from 1e-18 to 1e18
   * @param alpha the weight of the distillation term, in [0, 1]
   * @param terms receives the terms of the rows; may overlap nothing
   * @param gradient receives [N, classes] of the type of the logits; may be the student's logits
   *     themselves, and may overlap nothing else
   * @param stream the stream, of the same context
   * @throws IllegalArgumentException if an array is too small, not aligned to its elements or
   *     overlaps another, or a number is out of range; nothing is launched then
   * @throws IllegalStateException if this or something of the arguments is closed, or the calling
   *     thread is another than the context's
   */
  public void launch(
      Batch batch,
      double temperature,
      double alpha,
      RowTerms terms,
      DeviceRange gradient,
      CudaStream stream) {
    DeviceArguments arguments = check(stream, batch.rows());
    prepareFor(batch.rows());
    bind(loss, arguments, batch, temperature, alpha, terms);
    loss.bindChecked(
        "dz", arguments.out("gradient", gradient, type(), elements(rows), "studentLogits"));
    enqueue(loss, alpha, stream);
  }

  /**
   * Computes the terms of a batch alone; all else is as in {@link #launch}.
   *
   * @throws UnsupportedOperationException if there is no kernel for it; see {@link #hasForward}
   */
  public void launchForward(
      Batch batch, double temperature, double alpha, RowTerms terms, CudaStream stream) {
    if (!hasForward()) {
      throw new UnsupportedOperationException(
          this + ": the loss without its gradient is for at most 1,024 classes in FLOAT32");
    }
    DeviceArguments arguments = check(stream, batch.rows());
    prepareFor(batch.rows());
    bind(forward, arguments, batch, temperature, alpha, terms);
    enqueue(forward, alpha, stream);
  }

  /** Resizes the launches to so many rows, unless they have them already. */
  private void prepareFor(int rowsOfBatch) {
    if (rowsOfBatch != rows) {
      rows = 0; // until all of it is done
      loss = launchOf(select(rowsOfBatch));
      loss.resize(sizes(rowsOfBatch));
      count.resize(sizes(rowsOfBatch));
      if (forward != null) {
        forward.resize(sizes(rowsOfBatch));
      }
      rows = rowsOfBatch;
    }
  }

  /** Checks and binds all arguments but the gradient. */
  private void bind(
      KernelLaunch kernel,
      DeviceArguments arguments,
      Batch batch,
      double temperature,
      double alpha,
      RowTerms terms) {
    if (!(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha " + alpha + " is not in [0, 1]");
    }
    float weight = (float) alpha;
    kernel
        .bind("temperature", temperature(temperature))
        .bind("alpha", weight)
        .bindChecked(
            "z", arguments.in("studentLogits", batch.studentLogits(), type(), elements(rows)))
        .bindChecked(
            "v",
            weight > 0
                ? arguments.in("teacherLogits", batch.teacherLogits(), type(), elements(rows))
                : 0)
        .bindChecked("labels", arguments.in("labels", batch.labels(), INT32, rows))
        .bindChecked(
            "distillation", arguments.out("distillation", terms.distillation(), FLOAT32, rows))
        .bindChecked(
            "crossEntropy", arguments.out("crossEntropy", terms.crossEntropy(), FLOAT32, rows))
        .bindChecked("outcome", arguments.out("outcome", terms.outcome(), INT32, rows))
        .bind("labelledRows", labelledRows);
    count
        .bindChecked("labels", batch.labels().address())
        .bind("labelledRows", labelledRows)
        .bind("progress", countProgress);
  }

  /** The cross-entropy is a mean over the labelled rows, which are counted first. */
  private void enqueue(KernelLaunch kernel, double alpha, CudaStream stream) {
    if ((float) alpha < 1) {
      count.launch(stream);
    }
    kernel.launch(stream);
  }
}
