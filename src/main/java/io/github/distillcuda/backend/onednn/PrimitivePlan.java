package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.ffi.OnednnConstants.QUERY_DIFF_DST_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_DIFF_SRC_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_DIFF_WEIGHTS_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_DST_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_SCRATCHPAD_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_SRC_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_WEIGHTS_MD;
import static io.github.distillcuda.ffi.OnednnConstants.QUERY_WORKSPACE_MD;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.NativeException;
import io.github.distillcuda.ffi.OnednnApi.Kind;
import io.github.distillcuda.ffi.OnednnConstants;
import java.util.function.LongSupplier;

/**
 * A primitive that oneDNN chose for given shapes and orders: never one of its reference
 * implementations, which take any order of elements and are a hundred times slower.
 */
final class PrimitivePlan {
  private final OnednnContext context;
  private final long descriptor;
  private final String implementation;

  private PrimitivePlan(OnednnContext context, long descriptor) {
    this.context = context;
    this.descriptor = descriptor;
    implementation = context.api().implementation(descriptor);
  }

  /**
   * Plans a primitive.
   *
   * @param what the layer and direction, for the message
   * @param candidates describe the primitive, best first: later ones leave oneDNN more freedom and
   *     so cost a reorder
   * @throws DistillException {@link ExitCode#DEVICE} if oneDNN has only reference implementations
   */
  static PrimitivePlan first(OnednnContext context, String what, LongSupplier... candidates) {
    return first(context, context.scope(), what, candidates);
  }

  private static PrimitivePlan first(
      OnednnContext context, HandleScope scope, String what, LongSupplier... candidates) {
    StringBuilder refused = new StringBuilder();
    for (LongSupplier candidate : candidates) {
      long descriptor;
      try {
        descriptor = scope.own(Kind.PRIMITIVE_DESC, candidate.getAsLong());
      } catch (NativeException e) {
        if (e.code() != OnednnConstants.UNIMPLEMENTED) {
          throw e;
        }
        refused.append(refused.isEmpty() ? "" : ", ").append("none");
        continue;
      }
      PrimitivePlan plan = new PrimitivePlan(context, descriptor);
      if (!plan.implementation.contains("ref")) {
        return plan;
      }
      refused.append(refused.isEmpty() ? "" : ", ").append(plan.implementation);
    }
    throw new DistillException(
        ExitCode.DEVICE,
        "oneDNN has no fast implementation of %s on this processor (offered: %s); use --device reference"
            .formatted(what, refused));
  }

  /** Plans the copy of elements into another order. */
  static PrimitivePlan reorder(OnednnContext context, HandleScope scope, long from, long to) {
    return first(
        context,
        scope,
        "a reorder",
        () ->
            context
                .describe()
                .reorder(from, context.engine(), to, context.engine(), context.attributes()));
  }

  /** Returns the {@code dnnl_primitive_desc_t}. */
  long descriptor() {
    return descriptor;
  }

  /** Returns oneDNN's name of the implementation, such as {@code jit:avx512_core}. */
  String implementation() {
    return implementation;
  }

  long source() {
    return query(QUERY_SRC_MD);
  }

  long weights() {
    return query(QUERY_WEIGHTS_MD);
  }

  long destination() {
    return query(QUERY_DST_MD);
  }

  long sourceGradient() {
    return query(QUERY_DIFF_SRC_MD);
  }

  long weightsGradient() {
    return query(QUERY_DIFF_WEIGHTS_MD);
  }

  long destinationGradient() {
    return query(QUERY_DIFF_DST_MD);
  }

  long workspace() {
    return query(QUERY_WORKSPACE_MD);
  }

  long scratchpad() {
    return query(QUERY_SCRATCHPAD_MD);
  }

  private long query(int what) {
    return context.api().dnnl_primitive_desc_query_md(descriptor, what, 0);
  }
}
