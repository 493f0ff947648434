package io.github.distillcuda.backend.cuda;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.PinnedBuffer;
import io.github.distillcuda.cuda.kernels.StateLayout;
import java.lang.foreign.MemorySegment;

/**
 * A state in device memory, as {@link StateLayout} has it, and the order of the epoch. The host
 * keeps the order too, and where the device's cursor will be when all that was launched is done.
 */
final class CudaStepState implements StepState {
  private final CudaSession session;
  private final DeviceBuffer numbers;
  private final PinnedBuffer transfer;
  private DeviceBuffer orderBuffer;
  private int[] order = {};
  private int largestImage = -1;
  private int cursor;

  CudaStepState(CudaSession session) {
    this.session = session;
    numbers = session.allocate("step state", StateLayout.BYTES);
    transfer =
        session
            .scope()
            .own(PinnedBuffer.allocate(session.context(), "step state", StateLayout.BYTES));
  }

  /** Returns the numbers. */
  DeviceBuffer numbers() {
    return numbers;
  }

  /**
   * Returns the order on the device, for a gather that is being recorded.
   *
   * @param images how long an order may be
   * @throws IllegalStateException if an earlier gather was recorded for shorter orders
   */
  DeviceBuffer orderFor(int images) {
    if (orderBuffer == null) {
      int capacity = Math.max(images, order.length);
      orderBuffer = session.allocate("order of the epoch", (long) capacity * Integer.BYTES);
      copyOrder();
    }
    if ((long) images * Integer.BYTES > orderBuffer.byteSize()) {
      throw new IllegalStateException(
          "the state was recorded for %d images, not for %d"
              .formatted(orderBuffer.byteSize() / Integer.BYTES, images));
    }
    return orderBuffer;
  }

  @Override
  public void beginEpoch(int[] newOrder) {
    session.check();
    int largest = -1;
    for (int image : newOrder) {
      if (image < 0) {
        throw new IllegalArgumentException("image " + image);
      }
      largest = Math.max(largest, image);
    }
    if (orderBuffer != null && (long) newOrder.length * Integer.BYTES > orderBuffer.byteSize()) {
      throw new IllegalArgumentException(
          "an order of %d images, but the state was recorded for %d"
              .formatted(newOrder.length, orderBuffer.byteSize() / Integer.BYTES));
    }
    order = newOrder.clone();
    largestImage = largest;
    session.finish();
    copyOrder();
    // Sums and cursor lie side by side; the optimizer's step and the sticky number before them.
    long sums = StateLayout.CURSOR + Integer.BYTES - StateLayout.DISTILLATION_SUM;
    session.stream().fill(numbers, StateLayout.DISTILLATION_SUM, sums, (byte) 0);
    cursor = 0;
  }

  private void copyOrder() {
    if (orderBuffer != null && order.length > 0) {
      session.staging().copyToDevice(MemorySegment.ofArray(order), orderBuffer, 0);
    }
  }

  @Override
  public StepProgress read() {
    session.check();
    session.stream().copyToHost(numbers, 0, transfer, 0, StateLayout.BYTES);
    session.finish();
    MemorySegment state = transfer.memory();
    int badLabels = state.get(JAVA_INT, StateLayout.BAD_LABELS);
    if (badLabels != 0) {
      throw new IllegalStateException(
          badLabels + " labels are neither a class nor " + ResidentDataset.NO_LABEL);
    }
    return new StepProgress(
        state.get(JAVA_INT, StateLayout.CURSOR),
        state.get(JAVA_LONG, StateLayout.OPTIMIZER_STEP),
        state.get(JAVA_DOUBLE, StateLayout.DISTILLATION_SUM),
        state.get(JAVA_DOUBLE, StateLayout.CROSS_ENTROPY_SUM),
        state.get(JAVA_LONG, StateLayout.LABELLED_ROWS),
        state.get(JAVA_LONG, StateLayout.CORRECT),
        state.get(JAVA_DOUBLE, StateLayout.LOSS_SUM),
        state.get(JAVA_LONG, StateLayout.FIRST_NON_FINITE_STEP));
  }

  @Override
  public void restore(StepProgress progress) {
    session.check();
    session.finish();
    MemorySegment state = transfer.memory().fill((byte) 0);
    state.set(JAVA_INT, StateLayout.CURSOR, progress.cursor());
    state.set(JAVA_LONG, StateLayout.OPTIMIZER_STEP, progress.optimizerStep());
    state.set(JAVA_DOUBLE, StateLayout.DISTILLATION_SUM, progress.distillationSum());
    state.set(JAVA_DOUBLE, StateLayout.CROSS_ENTROPY_SUM, progress.crossEntropySum());
    state.set(JAVA_LONG, StateLayout.LABELLED_ROWS, progress.labelledRows());
    state.set(JAVA_LONG, StateLayout.CORRECT, progress.correct());
    state.set(JAVA_DOUBLE, StateLayout.LOSS_SUM, progress.lossSum());
    state.set(JAVA_LONG, StateLayout.FIRST_NON_FINITE_STEP, progress.firstNonFiniteStep());
    session.stream().copyToDevice(transfer, 0, numbers, 0, StateLayout.BYTES);
    session.finish();
    cursor = progress.cursor();
  }

  /**
   * Throws unless steps may gather their images from this epoch.
   *
   * @throws IllegalStateException if too few are left, or one is not of the data set
   */
  void requireImages(int steps, int batch, CudaDataset data) {
    if ((long) steps * batch > order.length - cursor) {
      throw new IllegalStateException(
          "%d steps of %d images, but %d are left in the epoch"
              .formatted(steps, batch, order.length - cursor));
    }
    if (largestImage >= data.size()) {
      throw new IllegalStateException(
          "image %d of %d in the order".formatted(largestImage, data.size()));
    }
  }

  /** Notes that steps were launched which move the cursor on. */
  void advanced(int rows) {
    cursor += rows;
  }
}
