/**
 * The CPU backend: oneDNN's primitives, planned once for a shape and run in the order they were
 * recorded, and {@code backend.host} for the rest of a step. May import {@code ffi}, {@code
 * backend}, {@code backend.host} and what lies below them.
 */
package io.github.distillcuda.backend.onednn;
