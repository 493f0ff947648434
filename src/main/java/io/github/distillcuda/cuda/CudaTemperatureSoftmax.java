package io.github.distillcuda.cuda;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.EnumMap;
import java.util.Map;

/**
 * Softmax and log-softmax at a temperature T of matrices that are on a GPU, and their backward
 * passes, in the caller's stream:
 *
 * {@snippet lang=text :
 * softmax               y_c  = exp(x_c/T) / sum_j exp(x_j/T)
 * log-softmax           y_c  = x_c/T - log sum_j exp(x_j/T)
 * softmax backward      dx_c = y_c * (dy_c - sum_j dy_j*y_j) / T
 * log-softmax backward  dx_c = (dy_c - exp(y_c) * sum_j dy_j) / T
 * }
 *
 * <p>Matrices are [N, classes], row-major and dense, float32 or bfloat16; arithmetic is float32. A
 * row is read once where the GPU can hold it: to 16,384 classes in a block, to 262,144 in a cluster
 * of them on compute capability 9.0 and 10.0, unless it is a part of a GPU without room for the
 * cluster.
 *
 * <p>Made once for a type and a number of classes, then launched any number of times on any number
 * of rows: a launch is asynchronous, may be captured in a graph, and allocates nothing on the
 * device. A graph keeps addresses: this and the arrays must stay open until it is closed. The same
 * inputs give the same bits. Used and closed by the thread of its context.
 */
public final class CudaTemperatureSoftmax extends LogitsOperation {
  private final Map<Operation, KernelLaunch> launches = new EnumMap<>(Operation.class);
  private final Map<Operation, Integer> rowsOf = new EnumMap<>(Operation.class);

  private CudaTemperatureSoftmax(CudaContext context, ElementType type, int classes) {
    super(context, type, classes);
  }

  /**
   * Loads the kernels, which the driver compiles unless it has them in its cache; the caller closes
   * the result.
   *
   * @param type of all matrices, {@code FLOAT32} or {@code BFLOAT16}
   * @param classes elements in a row, at least 1
   * @throws IllegalArgumentException if the type is another or there are no classes
   * @throws io.github.distillcuda.failure.DistillException of the exit code DEVICE if the GPU lacks
   *     bfloat16, which is in compute capability 8.0 and later
   */
  public static CudaTemperatureSoftmax prepare(CudaContext context, ElementType type, int classes) {
    try (DeviceScope preparing = new DeviceScope()) {
      CudaTemperatureSoftmax softmax =
          preparing.own(new CudaTemperatureSoftmax(context, type, classes));
      softmax.load();
      return preparing.release(softmax);
    }
  }

  private void load() {
    Map<Operation, KernelSignature> kernels = new EnumMap<>(Operation.class);
    for (Operation operation : Operation.values()) {
      kernels.put(operation, first(TemperatureSoftmaxKernels.of(operation, type()), 1));
    }
    load(kernels.values());
    kernels.forEach((operation, kernel) -> launches.put(operation, launchOf(kernel)));
  }

  /**
   * Computes y = softmax(x/T), which is there once the stream got there.
   *
   * @param rows N, at least 1
   * @param temperature T, from 1e-18 to 1e18
   * @param x [N, classes]
   * @param y receives [N, classes]; may be x itself, and may not overlap it otherwise
   * @param stream the stream, of the same context
   * @throws IllegalArgumentException if an array is too small, not aligned to its elements or
   *     overlaps another, or a number is out of range; nothing is launched then
   * @throws IllegalStateException if this or something of the arguments is closed, or the calling
   *     thread is another than the context's
   */
  public void softmax(
      int rows, double temperature, DeviceRange x, DeviceRange y, CudaStream stream) {
    launch(Operation.SOFTMAX, rows, temperature, stream, x, y);
  }

  /** Computes y = log softmax(x/T); all else is as in {@link #softmax}. */
  public void logSoftmax(
      int rows, double temperature, DeviceRange x, DeviceRange y, CudaStream stream) {
    launch(Operation.LOG_SOFTMAX, rows, temperature, stream, x, y);
  }

  /**
   * Computes the gradient in x of something whose gradient in y = softmax(x/T) is dy; all else is
   * as in {@link #softmax}.
   *
   * @param dy [N, classes]
   * @param y the softmax, [N, classes]
   * @param dx receives [N, classes]; may be dy or y itself
   */
  public void softmaxBackward(
      int rows,
      double temperature,
      DeviceRange dy,
      DeviceRange y,
      DeviceRange dx,
      CudaStream stream) {
    launch(Operation.SOFTMAX_BACKWARD, rows, temperature, stream, dy, y, dx);
  }

  /** The same for y = log softmax(x/T). */
  public void logSoftmaxBackward(
      int rows,
      double temperature,
      DeviceRange dy,
      DeviceRange y,
      DeviceRange dx,
      CudaStream stream) {
    launch(Operation.LOG_SOFTMAX_BACKWARD, rows, temperature, stream, dy, y, dx);
  }

  /** The last matrix is the output. */
  private void launch(
      Operation operation,
      int rows,
      double temperature,
      CudaStream stream,
      DeviceRange... matrices) {
    DeviceArguments arguments = check(stream, rows);
    KernelLaunch launch = launches.get(operation);
    if (rowsOf.getOrDefault(operation, 0) != rows) {
      launch.resize(sizes(rows));
      rowsOf.put(operation, rows);
    }
    launch.bind("temperature", temperature(temperature));
    int last = matrices.length - 1;
    String[] inputs = operation.pointers().subList(0, last).toArray(String[]::new);
    for (int i = 0; i < last; i++) {
      launch.bindChecked(inputs[i], arguments.in(inputs[i], matrices[i], type(), elements(rows)));
    }
    String output = operation.pointers().get(last);
    launch.bindChecked(
        output, arguments.out(output, matrices[last], type(), elements(rows), inputs));
    launch.launch(stream);
  }
}
