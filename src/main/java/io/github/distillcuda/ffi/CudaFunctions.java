package io.github.distillcuda.ffi;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The functions of one of the {@link CudaFunctionTables}, linked to a library. */
final class CudaFunctions {
  /** What to throw when a function of a library does not succeed. */
  @FunctionalInterface
  interface Failure {
    /**
     * Returns what to throw.
     *
     * @param functions those of the library, which can name their results
     * @param call the call as {@link CudaPrototype#show} shows it
     * @param status what it returned, not 0
     */
    RuntimeException of(CudaFunctions functions, String call, int status);
  }

  private final Map<String, CudaFunction> functions = new HashMap<>();
  private final CudaLatch latch;
  private final Failure failure;

  /**
   * Links every function of a table, so that a library which lacks one is found out now.
   *
   * @throws UnsatisfiedLinkError naming the library and the function that it does not export
   */
  CudaFunctions(List<CudaPrototype> table, CudaLinker linker, CudaLatch latch, Failure failure) {
    this.latch = latch;
    this.failure = failure;
    for (CudaPrototype prototype : table) {
      functions.put(prototype.symbol(), new CudaFunction(prototype, linker.link(prototype), this));
    }
  }

  /** Returns a function of the table. */
  CudaFunction get(String symbol) {
    CudaFunction function = functions.get(symbol);
    if (function == null) {
      throw new IllegalArgumentException(symbol + " is not in the table");
    }
    return function;
  }

  CudaLatch latch() {
    return latch;
  }

  RuntimeException failure(String call, int status) {
    return failure.of(this, call, status);
  }
}
