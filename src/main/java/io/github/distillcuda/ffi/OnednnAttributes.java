package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.invoke.MethodHandle;

/** The functions of oneDNN's C API for attributes and post-ops, under their C names. */
public final class OnednnAttributes {
  private final OnednnCalls calls;
  private final MethodHandle attrCreate;
  private final MethodHandle attrSetDeterministic;
  private final MethodHandle attrSetScratchpadMode;
  private final MethodHandle attrSetAccumulationMode;
  private final MethodHandle attrSetFpmathMode;
  private final MethodHandle attrSetPostOps;
  private final MethodHandle postOpsCreate;
  private final MethodHandle postOpsAppendEltwise;

  OnednnAttributes(OnednnCalls calls) {
    this.calls = calls;
    attrCreate = calls.link("dnnl_primitive_attr_create", ADDRESS);
    attrSetDeterministic = calls.link("dnnl_primitive_attr_set_deterministic", JAVA_LONG, JAVA_INT);
    attrSetScratchpadMode =
        calls.link("dnnl_primitive_attr_set_scratchpad_mode", JAVA_LONG, JAVA_INT);
    attrSetAccumulationMode =
        calls.link("dnnl_primitive_attr_set_accumulation_mode", JAVA_LONG, JAVA_INT);
    attrSetFpmathMode = calls.link("dnnl_primitive_attr_set_fpmath_mode", JAVA_LONG, JAVA_INT);
    attrSetPostOps = calls.link("dnnl_primitive_attr_set_post_ops", JAVA_LONG, JAVA_LONG);
    postOpsCreate = calls.link("dnnl_post_ops_create", ADDRESS);
    postOpsAppendEltwise =
        calls.link("dnnl_post_ops_append_eltwise", JAVA_LONG, JAVA_INT, JAVA_FLOAT, JAVA_FLOAT);
  }

  public long dnnl_primitive_attr_create() {
    return calls.create(
        "dnnl_primitive_attr_create()", (arena, out) -> (int) attrCreate.invokeExact(out));
  }

  public void dnnl_primitive_attr_set_deterministic(long attr, int value) {
    setAttribute("deterministic", attrSetDeterministic, attr, value);
  }

  public void dnnl_primitive_attr_set_scratchpad_mode(long attr, int mode) {
    setAttribute("scratchpad_mode", attrSetScratchpadMode, attr, mode);
  }

  public void dnnl_primitive_attr_set_accumulation_mode(long attr, int mode) {
    setAttribute("accumulation_mode", attrSetAccumulationMode, attr, mode);
  }

  public void dnnl_primitive_attr_set_fpmath_mode(long attr, int mode) {
    setAttribute("fpmath_mode", attrSetFpmathMode, attr, mode);
  }

  private void setAttribute(String property, MethodHandle setter, long attr, int value) {
    calls.run(
        "dnnl_primitive_attr_set_" + property + "(value=" + value + ")",
        () -> (int) setter.invokeExact(attr, value));
  }

  public void dnnl_primitive_attr_set_post_ops(long attr, long postOps) {
    calls.run(
        "dnnl_primitive_attr_set_post_ops(post_ops=0x" + Long.toHexString(postOps) + ")",
        () -> (int) attrSetPostOps.invokeExact(attr, postOps));
  }

  public long dnnl_post_ops_create() {
    return calls.create(
        "dnnl_post_ops_create()", (arena, out) -> (int) postOpsCreate.invokeExact(out));
  }

  public void dnnl_post_ops_append_eltwise(long postOps, int algorithm, float alpha, float beta) {
    calls.run(
        "dnnl_post_ops_append_eltwise(alg_kind=" + algorithm + ")",
        () -> (int) postOpsAppendEltwise.invokeExact(postOps, algorithm, alpha, beta));
  }
}
