package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The functions of GNU's OpenMP runtime that are used, under their C names. */
public final class GompApi {
  private final MethodHandle setNumThreads;
  private final MethodHandle getThreadNum;
  private final MethodHandle getNumThreads;
  private final MethodHandle parallel;

  GompApi(SharedLibrary library) {
    setNumThreads = library.function("omp_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT));
    getThreadNum = library.function("omp_get_thread_num", FunctionDescriptor.of(JAVA_INT));
    getNumThreads = library.function("omp_get_num_threads", FunctionDescriptor.of(JAVA_INT));
    parallel =
        library.function(
            "GOMP_parallel", FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT));
  }

  /**
   * Sets how many threads the parallel regions of the calling thread have. Other threads keep their
   * own number, and oneDNN reads it when it creates a primitive.
   */
  void omp_set_num_threads(int threads) {
    try {
      setNumThreads.invokeExact(threads);
    } catch (Throwable t) {
      throw new AssertionError("omp_set_num_threads downcall", t);
    }
  }

  /** Returns the number of the calling thread in its parallel region, from 0. */
  int omp_get_thread_num() {
    try {
      return (int) getThreadNum.invokeExact();
    } catch (Throwable t) {
      throw new AssertionError("omp_get_thread_num downcall", t);
    }
  }

  /** Returns how many threads run the parallel region of the calling thread. */
  int omp_get_num_threads() {
    try {
      return (int) getNumThreads.invokeExact();
    } catch (Throwable t) {
      throw new AssertionError("omp_get_num_threads downcall", t);
    }
  }

  /**
   * Runs a parallel region, as the compiler writes it for {@code #pragma omp parallel}.
   *
   * @param function a {@code void (*)(void *)} that each thread calls once; must not throw
   * @param data its argument
   * @param threads how many threads are asked for
   */
  void GOMP_parallel(MemorySegment function, long data, int threads) {
    int flags = 0;
    try {
      parallel.invokeExact(function, data, threads, flags);
    } catch (Throwable t) {
      throw new AssertionError("GOMP_parallel downcall", t);
    }
  }
}
