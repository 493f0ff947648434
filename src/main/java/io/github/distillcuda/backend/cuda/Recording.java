package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.cuda.Operation.Kind;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaEvent;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The operations of a step so far, the tensors between them, and who wrote which: an operation that
 * reads what the other branch wrote is preceded by a wait for it.
 */
final class Recording {
  /** Where an operation stands: its branch, and how many operations were recorded before it. */
  private record Position(Branch branch, int index) {}

  private final CudaSession session;
  private final int batch;
  private final List<Operation> operations = new ArrayList<>();
  private final Map<CudaTensor, CudaTensor> rounded = new IdentityHashMap<>();
  private final Set<CudaParameterArena> prepared =
      Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<Object, Position> writers = new IdentityHashMap<>();
  private final Map<Branch, Integer> ends = new EnumMap<>(Branch.class);
  private final Map<Branch, Integer> seen = new EnumMap<>(Branch.class);

  Recording(CudaSession session, int batch) {
    this.session = session;
    this.batch = batch;
    for (Branch branch : Branch.values()) {
      ends.put(branch, 0);
      seen.put(branch, 0);
    }
  }

  /** Returns what owns all that is recorded. */
  CudaSession session() {
    return session;
  }

  /** Returns the rows of a batch. */
  int batch() {
    return batch;
  }

  /** Returns where the operations of a branch run. */
  ComputeLane lane(Branch branch) {
    return session.lane(branch);
  }

  /** Keeps a plan for as long as the backend is open, and returns it. */
  <T extends AutoCloseable> T own(T plan) {
    return session.scope().own(plan);
  }

  /** Returns the operations so far, in the order of their recording. */
  List<Operation> operations() {
    return operations;
  }

  /** Allocates a tensor with a value for each row of the batch. */
  CudaTensor tensor(String name, Shape row) {
    Shape shape = row.withBatch(batch);
    return new CudaTensor(session, name, shape, session.floats(name, shape.elements()));
  }

  /** Allocates a tensor of operands with a row for each of the batch. */
  CudaTensor operandTensor(String name, Shape row) {
    Shape shape = row.withBatch(batch);
    return new CudaTensor(
        session,
        name,
        shape,
        session.elements(name, shape.elements(), session.operands()),
        session.operands(),
        session.order(row));
  }

  /**
   * Returns a tensor as products read it: itself, or a copy that is rounded in this branch, unless
   * one already is.
   *
   * @param rounding what the rounding is, if there is one
   */
  CudaTensor operand(Branch branch, Work rounding, CudaTensor tensor, Shape row) {
    if (tensor.dtype() == session.operands()) {
      return tensor;
    }
    CudaTensor known = rounded.get(tensor);
    if (known != null) {
      return known;
    }
    CudaTensor operand = operandTensor(tensor.name() + " rounded", row);
    rounded.put(tensor, operand);
    reads(branch, tensor);
    kernel(branch, rounding, rounding(tensor, operand, row), operand);
    return operand;
  }

  private KernelLaunch rounding(CudaTensor tensor, CudaTensor operand, Shape row) {
    ElementOrder order = session.order(row);
    KernelLaunch launch =
        order.isRowMajor()
            ? session.prepare(
                RoundingKernels.ROUND,
                KernelSizes.of("n", RoundingKernels.padded(tensor.shape().elements())))
            : session.prepare(
                RoundingKernels.ROUND_CHANNELS_LAST,
                KernelSizes.of("rows", batch, "channels", order.channels())
                    .and("pixels", order.pixels()));
    return launch.bind("x", tensor.span()).bind("y", operand.span());
  }

  /** Lets parameters be rounded before a branch reads them, where a step may have changed them. */
  void prepareOperands(Branch branch, CudaParameterArena parameters) {
    if (session.operands() == DType.FLOAT32 || !parameters.isTrainable()) {
      return;
    }
    reads(branch, parameters);
    if (prepared.add(parameters)) {
      kernel(branch, new Work.OfStep("parameters rounded"), parameters.rounding(), parameters);
    }
  }

  /** Notes that what a step does from here on changed the parameters. */
  void changed(CudaParameterArena parameters) {
    prepared.remove(parameters);
  }

  /** Notes what the next operation of a branch reads; null stands for nothing. */
  void reads(Branch branch, Object... inputs) {
    if (branch == Branch.SIDE && ends.get(branch) == 0) {
      // A branch begins at a point of the other, or it would not be part of the step.
      waitForOther(branch);
    }
    for (Object input : inputs) {
      Position writer = input == null ? null : writers.get(input);
      if (writer != null && writer.branch() != branch && writer.index() >= seen.get(branch)) {
        waitForOther(branch);
      }
    }
  }

  private void waitForOther(Branch branch) {
    Branch other = branch.other();
    CudaEvent event = session.event();
    operations.add(
        new Operation(
            new Work.OfStep("%s waits for %s".formatted(branch, other)),
            branch,
            Kind.ORDER,
            null,
            () -> {
              event.record(lane(other).stream());
              lane(branch).stream().waitFor(event);
            }));
    seen.put(branch, operations.size());
    ends.put(branch, operations.size());
  }

  /** Adds a call of a library, and notes what it writes; null stands for nothing. */
  void library(Branch branch, Work.OfLayer work, Runnable call, Object... outputs) {
    add(branch, new Operation(work, branch, Kind.LIBRARY, null, call), outputs);
  }

  /** Adds a kernel whose arguments are bound, likewise. */
  void kernel(Branch branch, Work work, KernelLaunch launch, Object... outputs) {
    add(
        branch,
        new Operation(
            work, branch, Kind.KERNEL, launch, () -> launch.launch(lane(branch).stream())),
        outputs);
  }

  private void add(Branch branch, Operation operation, Object... outputs) {
    for (Object output : outputs) {
      if (output != null) {
        writers.put(output, new Position(branch, operations.size()));
      }
    }
    operations.add(operation);
    ends.put(branch, operations.size());
  }

  /** Makes the main branch wait for the side branch. */
  void join() {
    if (ends.get(Branch.SIDE) > seen.get(Branch.MAIN)) {
      waitForOther(Branch.MAIN);
    }
  }
}
