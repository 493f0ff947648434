package io.github.distillcuda.backend;

import java.util.Locale;

/**
 * What the user may choose of a backend. What a backend lacks it refuses.
 *
 * @param threads CPU threads, 0 for as many as there are processors
 * @param deterministic whether two runs must give the same bits
 * @param kernels how the distillation loss is computed
 * @param layers who computes what stands between convolutions and products
 * @param precision the arithmetic of the layers
 * @param engine how CUDA is reached
 */
public record BackendOptions(
    int threads,
    boolean deterministic,
    Kernels kernels,
    Layers layers,
    Precision precision,
    Engine engine) {
  /** The distillation loss. */
  public enum Kernels {
    /** One kernel. */
    FUSED,
    /** One kernel a formula. */
    UNFUSED,
    /** A kernel for each operation that PyTorch's eager mode runs. */
    EAGER;

    @Override
    public String toString() {
      return lowerCase(this);
    }
  }

  /**
   * Who computes the layers. {@code CUDNN}, the default, has cuDNN and cuBLAS do all of it: the
   * path that anybody can check against NVIDIA's libraries. {@code FUSED} has own kernels with
   * bias, activation and pooling in them, and the epilogues of cublasLt: faster on every GPU that
   * was measured.
   */
  public enum Layers {
    CUDNN,
    FUSED;

    @Override
    public String toString() {
      return lowerCase(this);
    }
  }

  /** Arithmetic of convolutions and products; loss, master weights and Adam are float32 in all. */
  public enum Precision {
    /** What is usual on the device: tf32 where it has it, else fp32. */
    AUTO,
    FP32,
    TF32,
    BF16;

    @Override
    public String toString() {
      return lowerCase(this);
    }
  }

  /** The bindings to CUDA. */
  public enum Engine {
    AUTO,
    PANAMA,
    JCUDA;

    @Override
    public String toString() {
      return lowerCase(this);
    }
  }

  /** All processors, deterministic, and every default of the device. */
  public static final BackendOptions DEFAULT = new BackendOptions(0, true);

  /** Every default of the device but for the first two. */
  public BackendOptions(int threads, boolean deterministic) {
    this(threads, deterministic, Kernels.FUSED, Layers.CUDNN, Precision.AUTO, Engine.AUTO);
  }

  /** Returns the same with another form of the loss. */
  public BackendOptions withKernels(Kernels form) {
    return new BackendOptions(threads, deterministic, form, layers, precision, engine);
  }

  private static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
