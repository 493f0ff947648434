package io.github.distillcuda.backend.onednn;

/**
 * What primitives that run one after the other share. Primitives that run beside them, on another
 * thread, have a lane of their own.
 *
 * @param stream the {@code dnnl_stream_t}
 * @param scratchpad their temporary memory
 */
record Lane(long stream, Scratchpad scratchpad) {}
