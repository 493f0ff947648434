package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/** The one function of GNU's OpenMP runtime that is used. */
public final class GompApi {
  private final MethodHandle setNumThreads;

  GompApi(SharedLibrary library) {
    setNumThreads = library.function("omp_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT));
  }

  /**
   * Sets how many threads the parallel regions of the calling thread have. Other threads keep their
   * own number, and oneDNN reads it when it creates a primitive.
   */
  public void omp_set_num_threads(int threads) {
    try {
      setNumThreads.invokeExact(threads);
    } catch (Throwable t) {
      throw new AssertionError("omp_set_num_threads downcall", t);
    }
  }
}
