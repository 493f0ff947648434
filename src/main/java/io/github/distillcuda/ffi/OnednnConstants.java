package io.github.distillcuda.ffi;

/** The enumerators and macros of oneDNN 3.13's headers that are used, without their prefix. */
public final class OnednnConstants {
  /** {@code dnnl_status_t}. */
  public static final int SUCCESS = 0;

  public static final int OUT_OF_MEMORY = 1;
  public static final int UNIMPLEMENTED = 3;

  /** {@code dnnl_engine_kind_t}. */
  public static final int CPU = 1;

  /** {@code dnnl_stream_flags_t}. */
  public static final int STREAM_IN_ORDER = 1;

  /** {@code dnnl_data_type_t}. */
  public static final int BF16 = 2;

  public static final int F32 = 3;

  /** {@code dnnl_format_tag_t}: let the primitive choose. */
  public static final int FORMAT_ANY = 1;

  /** {@code dnnl_format_tag_t}: row-major of rank 1 to 4. */
  public static final int FORMAT_A = 2;

  public static final int FORMAT_AB = 3;
  public static final int FORMAT_ABC = 4;
  public static final int FORMAT_ABCD = 5;

  /** {@code dnnl_format_tag_t}: the channels of images last, [N,H,W,C]. */
  public static final int FORMAT_ACDB = 22;

  /** {@code dnnl_format_tag_t}: filters as [H,W,I,O]. */
  public static final int FORMAT_CDBA = 28;

  /** {@code dnnl_prop_kind_t}. */
  public static final int FORWARD_TRAINING = 64;

  public static final int FORWARD_INFERENCE = 96;

  /** {@code dnnl_alg_kind_t}. */
  public static final int CONVOLUTION_DIRECT = 0x1;

  public static final int ELTWISE_RELU = 0x20;

  /** ReLU whose backward pass reads the forward result instead of its input. */
  public static final int ELTWISE_RELU_USE_DST = 0x100;

  public static final int POOLING_MAX = 0x1ff;

  /** {@code dnnl_query_t}. */
  public static final int QUERY_IMPL_INFO_STR = 8;

  public static final int QUERY_SRC_MD = 129;
  public static final int QUERY_DIFF_SRC_MD = 130;
  public static final int QUERY_WEIGHTS_MD = 131;
  public static final int QUERY_DIFF_WEIGHTS_MD = 132;
  public static final int QUERY_DST_MD = 133;
  public static final int QUERY_DIFF_DST_MD = 134;
  public static final int QUERY_WORKSPACE_MD = 135;
  public static final int QUERY_SCRATCHPAD_MD = 136;
  public static final int QUERY_DATA_TYPE = 258;

  /** {@code dnnl_scratchpad_mode_t}: the caller passes the scratchpad. */
  public static final int SCRATCHPAD_MODE_USER = 1;

  /** {@code dnnl_accumulation_mode_t}: float32 sums for float32 and bfloat16 data. */
  public static final int ACCUMULATION_MODE_STRICT = 0;

  /** {@code dnnl_fpmath_mode_t}: no narrower type inside. */
  public static final int FPMATH_MODE_STRICT = 0;

  /** Argument indexes of {@code dnnl_primitive_execute}. */
  public static final int ARG_SRC = 1;

  public static final int ARG_DST = 17;
  public static final int ARG_WEIGHTS = 33;
  public static final int ARG_BIAS = 41;
  public static final int ARG_WORKSPACE = 64;
  public static final int ARG_SCRATCHPAD = 80;
  public static final int ARG_DIFF_SRC = 129;
  public static final int ARG_DIFF_DST = 145;
  public static final int ARG_DIFF_WEIGHTS = 161;
  public static final int ARG_DIFF_BIAS = 169;

  private OnednnConstants() {}
}
