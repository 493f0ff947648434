/**
 * What a device must be able to do: plan layers for a shape, hold parameters and data, and record a
 * training step that is then replayed. May import {@code tensor} and {@code failure}. Native types
 * never appear here; implementations live in sub-packages and only {@code Backends} names them.
 */
package io.github.distillcuda.backend;
