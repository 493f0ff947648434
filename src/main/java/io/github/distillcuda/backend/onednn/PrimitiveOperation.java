package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.ffi.OnednnApi;
import io.github.distillcuda.ffi.OnednnApi.Kind;
import java.lang.foreign.MemorySegment;

/** A primitive with its arguments. */
final class PrimitiveOperation implements Operation {
  /** {@code struct {int arg; dnnl_memory_t memory}}, with the padding that C adds. */
  private static final long ARGUMENT_BYTES = 16;

  private static final long MEMORY_OFFSET = 8;

  private final String name;
  private final OnednnApi api;
  private final long primitive;
  private final long stream;
  private final int count;
  private final long arguments;

  /** Creates the primitive in {@code scope}, for the context's thread. */
  PrimitiveOperation(
      OnednnContext context,
      HandleScope scope,
      String name,
      PrimitivePlan plan,
      Argument... arguments) {
    this(context, scope, context.lane(), name, plan, arguments);
  }

  /** Creates the primitive in {@code scope}, and adds the lane's scratchpad to its arguments. */
  PrimitiveOperation(
      OnednnContext context,
      HandleScope scope,
      Lane lane,
      String name,
      PrimitivePlan plan,
      Argument... arguments) {
    this.name = name + " (" + plan.implementation() + ")";
    api = context.api();
    stream = lane.stream();
    primitive = scope.own(Kind.PRIMITIVE, api.dnnl_primitive_create(plan.descriptor()));
    boolean wantsScratchpad = api.dnnl_memory_desc_get_size(plan.scratchpad()) > 0;
    count = arguments.length + (wantsScratchpad ? 1 : 0);
    MemorySegment array = scope.allocate(count * ARGUMENT_BYTES);
    for (int i = 0; i < arguments.length; i++) {
      put(array, i, arguments[i]);
    }
    if (wantsScratchpad) {
      put(
          array,
          arguments.length,
          Argument.scratchpad(lane.scratchpad().memory(plan.scratchpad())));
    }
    this.arguments = array.address();
  }

  private static void put(MemorySegment array, int index, Argument argument) {
    array.set(JAVA_INT, index * ARGUMENT_BYTES, argument.role());
    array.set(JAVA_LONG, index * ARGUMENT_BYTES + MEMORY_OFFSET, argument.memory());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void run() {
    api.dnnl_primitive_execute(primitive, stream, count, arguments);
  }
}
