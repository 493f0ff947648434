package io.github.distillcuda.backend;

/** What a backend computes on. */
public enum DeviceKind {
  /** A GPU through CUDA. */
  CUDA,

  /** The CPU through oneDNN. */
  CPU,

  /** The CPU in plain Java and float64. */
  REFERENCE
}
