package io.github.distillcuda.cuda;

import java.util.function.LongConsumer;

/** A handle or a descriptor of cuDNN, cuBLAS or cublasLt, which a function of theirs destroys. */
public final class LibraryObject extends ContextHandle {
  private final LongConsumer destroy;

  /**
   * Takes over an object; the caller closes it.
   *
   * @param name what it is for; failures say it
   * @param address what the library calls it
   * @param destroy the function that ends it
   */
  public LibraryObject(CudaContext context, String name, long address, LongConsumer destroy) {
    super(context, name, address);
    this.destroy = destroy;
  }

  @Override
  void release(long address) {
    context().ensureCurrent();
    destroy.accept(address);
  }
}
