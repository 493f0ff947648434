package io.github.distillcuda.ffi;

import java.lang.invoke.MethodHandle;

/** The way from Java to the functions of one of NVIDIA's libraries. */
@FunctionalInterface
interface CudaLinker {
  /**
   * Links a function.
   *
   * @return what takes and returns exactly the types of {@link CudaPrototype#descriptor}
   * @throws UnsatisfiedLinkError naming what the library does not export
   */
  MethodHandle link(CudaPrototype function);

  /**
   * Returns the way that calls a library directly, through {@code java.lang.foreign}. No function
   * is linked as {@code critical}, which would hold up the garbage collector while the driver
   * waits.
   */
  static CudaLinker panama(SharedLibrary library) {
    return function -> library.function(function.symbol(), function.descriptor());
  }
}
