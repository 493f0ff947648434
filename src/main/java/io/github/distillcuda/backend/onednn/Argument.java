package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.ffi.OnednnConstants;

/**
 * A memory object in one of the roles that a primitive knows.
 *
 * @param role a {@code DNNL_ARG_} constant
 * @param memory a memory object
 */
record Argument(int role, long memory) {
  static Argument source(long memory) {
    return new Argument(OnednnConstants.ARG_SRC, memory);
  }

  static Argument destination(long memory) {
    return new Argument(OnednnConstants.ARG_DST, memory);
  }

  static Argument weights(long memory) {
    return new Argument(OnednnConstants.ARG_WEIGHTS, memory);
  }

  static Argument bias(long memory) {
    return new Argument(OnednnConstants.ARG_BIAS, memory);
  }

  static Argument workspace(long memory) {
    return new Argument(OnednnConstants.ARG_WORKSPACE, memory);
  }

  static Argument scratchpad(long memory) {
    return new Argument(OnednnConstants.ARG_SCRATCHPAD, memory);
  }

  static Argument sourceGradient(long memory) {
    return new Argument(OnednnConstants.ARG_DIFF_SRC, memory);
  }

  static Argument destinationGradient(long memory) {
    return new Argument(OnednnConstants.ARG_DIFF_DST, memory);
  }

  static Argument weightsGradient(long memory) {
    return new Argument(OnednnConstants.ARG_DIFF_WEIGHTS, memory);
  }

  static Argument biasGradient(long memory) {
    return new Argument(OnednnConstants.ARG_DIFF_BIAS, memory);
  }
}
