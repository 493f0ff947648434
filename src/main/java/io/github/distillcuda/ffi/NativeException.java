package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;

/**
 * A native function that did not succeed. The message names the function, what it was called with,
 * and the result by name and number, as in {@code dnnl_memory_create(descriptor=0x7f..) failed:
 * out_of_memory (1)}.
 *
 * <p>Who meets it unexpectedly can do no more than end: a library of a GPU that explains its result
 * ends with what it says of the GPU, another one is a defect of this program.
 */
public final class NativeException extends DistillException {
  private static final long serialVersionUID = 1L;

  private final int code;

  /**
   * A failed call.
   *
   * @param call the function and its arguments, as they would stand in C
   * @param name the result's name in the library
   * @param code the result
   */
  public NativeException(String call, String name, int code) {
    super(ExitCode.BUG, call + " failed: " + name + " (" + code + ")");
    this.code = code;
  }

  /**
   * A failed call of a library of the GPU, which explains its results.
   *
   * @param call the function and its arguments, as they would stand in C
   * @param name the result's name in the library
   * @param code the result
   * @param text what the library says of it
   */
  public NativeException(String call, String name, int code, String text) {
    super(exitCodeOf(name), call + " failed: " + name + " (" + code + ") " + text);
    this.code = code;
  }

  private NativeException(NativeException failure, String more) {
    super(failure.exitCode(), failure.getMessage() + more, failure);
    code = failure.code;
  }

  @Override
  public NativeException with(String more) {
    return new NativeException(this, more);
  }

  /** The driver, cuBLAS and cuDNN have a number each for it, and these names. */
  private static ExitCode exitCodeOf(String name) {
    boolean noRoom =
        name.endsWith("OUT_OF_MEMORY")
            || name.endsWith("STATUS_ALLOC_FAILED")
            || name.endsWith("DEVICE_ALLOCATION_FAILED");
    return noRoom ? ExitCode.DEVICE_MEMORY : ExitCode.DEVICE;
  }

  /** Returns the result of the function. */
  public int code() {
    return code;
  }
}
