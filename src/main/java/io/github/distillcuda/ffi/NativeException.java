package io.github.distillcuda.ffi;

/**
 * A native function that did not succeed. The message names the function, what it was called with,
 * and the result by name and number, as in {@code dnnl_memory_create(descriptor=0x7f..) failed:
 * out_of_memory (1)}.
 */
public final class NativeException extends RuntimeException {
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
    super(call + " failed: " + name + " (" + code + ")");
    this.code = code;
  }

  /**
   * A failed call of a library that explains its results.
   *
   * @param call the function and its arguments, as they would stand in C
   * @param name the result's name in the library
   * @param code the result
   * @param text what the library says of it
   */
  public NativeException(String call, String name, int code, String text) {
    super(call + " failed: " + name + " (" + code + ") " + text);
    this.code = code;
  }

  /** Returns the result of the function. */
  public int code() {
    return code;
  }
}
