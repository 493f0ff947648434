package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.tensor.Shape;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The operations of a step so far, and the tensors between them. */
final class Recording {
  private final OnednnContext context;
  private final int batch;
  private final List<Operation> operations = new ArrayList<>();
  private final Map<OnednnTensor, OnednnTensor> operands = new IdentityHashMap<>();

  Recording(OnednnContext context, int batch) {
    this.context = context;
    this.batch = batch;
  }

  OnednnContext context() {
    return context;
  }

  /** Returns the rows of a batch. */
  int batch() {
    return batch;
  }

  List<Operation> operations() {
    return operations;
  }

  void add(Operation operation) {
    operations.add(operation);
  }

  /** Adds a primitive. */
  void add(String name, PrimitivePlan plan, Argument... arguments) {
    add(operation(name, plan, arguments));
  }

  private Operation operation(String name, PrimitivePlan plan, Argument... arguments) {
    return new PrimitiveOperation(context, context.scope(), name, plan, arguments);
  }

  /**
   * Allocates a tensor with a value for each row of the batch.
   *
   * @param one the shape of a row
   * @param descriptor the order of its elements
   */
  OnednnTensor tensor(String name, Shape one, long descriptor) {
    return new OnednnTensor(
        context,
        name,
        one.withBatch(batch),
        descriptor,
        context.plain(LayerPlanner.batched(batch, one)),
        context.allocate(descriptor));
  }

  /** Allocates a tensor in row-major order. */
  OnednnTensor plainTensor(String name, Shape one) {
    return tensor(name, one, context.plain(LayerPlanner.batched(batch, one)));
  }

  /** Returns the tensor in the wanted order: itself, or a copy that is made in every step. */
  OnednnTensor reorder(OnednnTensor tensor, long wanted) {
    OnednnTensor ordered = ordered(tensor, wanted);
    if (ordered != tensor) {
      copy(tensor, ordered);
    }
    return ordered;
  }

  /**
   * Returns the tensor in the wanted order: itself, or a copy that is made when the host has
   * written the tensor, which nothing else may.
   */
  OnednnTensor reorderWhenWritten(OnednnTensor tensor, long wanted) {
    OnednnTensor ordered = ordered(tensor, wanted);
    if (ordered != tensor) {
      add(new CopyWhenWritten(tensor, copyOf(tensor, ordered)));
    }
    return ordered;
  }

  /**
   * Returns the tensor as an operand: itself, or a converted copy that is made in every step, once
   * for all layers that read it.
   *
   * @param tensor of one row a row of the batch, written before the first layer that reads it
   */
  OnednnTensor operand(OnednnTensor tensor) {
    if (tensor.dtype() == context.operandType()) {
      return tensor;
    }
    OnednnTensor known = operands.get(tensor);
    if (known == null) {
      long[] dims = LayerPlanner.dims(tensor.shape());
      known = reorder(tensor, context.plainOperand(dims));
      operands.put(tensor, known);
    }
    return known;
  }

  /** Returns the tensor if it has the wanted order, else a new one of its shape that has. */
  OnednnTensor ordered(OnednnTensor tensor, long wanted) {
    if (context.same(tensor.descriptor(), wanted)) {
      return tensor;
    }
    return new OnednnTensor(
        context,
        tensor.name(),
        tensor.shape(),
        wanted,
        tensor.plainDescriptor(),
        context.allocate(wanted));
  }

  /** Adds the copy of a tensor into another order. */
  void copy(OnednnTensor from, OnednnTensor to) {
    add(copyOf(from, to));
  }

  private Operation copyOf(OnednnTensor from, OnednnTensor to) {
    return operation(
        "reorder of " + from.name(),
        PrimitivePlan.reorder(context, context.scope(), from.descriptor(), to.descriptor()),
        Argument.source(from.memory()),
        Argument.destination(to.memory()));
  }
}
