package io.github.distillcuda.emulator.library;

import static org.junit.jupiter.api.Assumptions.abort;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.ffi.CudaLibraries;
import java.util.function.Function;

/** NVIDIA's own libraries, as far as they go without a GPU. */
final class RealLibrary {
  private RealLibrary() {}

  /** Links a library, or skips the test with the reason that a user would read. */
  static <T> T open(Function<CudaLibraries, T> library) {
    try {
      return library.apply(new CudaLibraries());
    } catch (DistillException e) {
      return abort(
          e.getMessage() + "; name the folders of NVIDIA's libraries in DISTILL_CUDA_LIBS");
    }
  }
}
