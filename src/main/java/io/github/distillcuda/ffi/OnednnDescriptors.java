package io.github.distillcuda.ffi;

import static io.github.distillcuda.ffi.OnednnCalls.dims;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * The functions of oneDNN's C API that describe a primitive; {@code convolution_forward} here is
 * {@code dnnl_convolution_forward_primitive_desc_create} there. Each returns a {@code
 * dnnl_primitive_desc_t} for the first implementation that takes the memory descriptors, to be
 * destroyed by the caller, and throws {@link NativeException} with the code {@link
 * OnednnConstants#UNIMPLEMENTED} if there is none.
 *
 * <p>A backward primitive takes the descriptor of its forward primitive as {@code hint}.
 */
public final class OnednnDescriptors {
  /**
   * A window that moves over an image, [rows, columns] each, without holes.
   *
   * @param kernel the window's extents; for a convolution they are those of its weights
   * @param strides the distance of windows
   * @param padding zeros on each side of the image
   */
  public record Window(long[] kernel, long[] strides, long[] padding) {
    @Override
    public String toString() {
      return Arrays.toString(kernel)
          + " every "
          + Arrays.toString(strides)
          + " padded "
          + Arrays.toString(padding);
    }
  }

  /** A window's dilation counts from 0: neighbours in the window are neighbours in the image. */
  private static final long[] NO_DILATION = {0, 0};

  private final OnednnCalls calls;
  private final MethodHandle reorder;
  private final MethodHandle convolutionForward;
  private final MethodHandle convolutionBackwardData;
  private final MethodHandle convolutionBackwardWeights;
  private final MethodHandle poolingForward;
  private final MethodHandle poolingBackward;
  private final MethodHandle innerProductForward;
  private final MethodHandle innerProductBackwardData;
  private final MethodHandle innerProductBackwardWeights;
  private final MethodHandle matmul;
  private final MethodHandle eltwiseForward;
  private final MethodHandle eltwiseBackward;

  OnednnDescriptors(OnednnCalls calls) {
    this.calls = calls;
    reorder = link("reorder", "hhhhh");
    convolutionForward = link("convolution_forward", "heehhhhddddh");
    convolutionBackwardData = link("convolution_backward_data", "hehhhddddhh");
    convolutionBackwardWeights = link("convolution_backward_weights", "hehhhhddddhh");
    poolingForward = link("pooling_forward", "heehhdddddh");
    poolingBackward = link("pooling_backward", "hehhdddddhh");
    innerProductForward = link("inner_product_forward", "hehhhhh");
    innerProductBackwardData = link("inner_product_backward_data", "hhhhhh");
    innerProductBackwardWeights = link("inner_product_backward_weights", "hhhhhhh");
    matmul = link("matmul", "hhhhhh");
    eltwiseForward = link("eltwise_forward", "heehhffh");
    eltwiseBackward = link("eltwise_backward", "hehhhffhh");
  }

  /**
   * Links a function whose first argument receives the descriptor; then a letter an argument: h
   * handle, e enumerator, d {@code dnnl_dims_t}, f float.
   */
  private MethodHandle link(String operation, String arguments) {
    MemoryLayout[] layouts = new MemoryLayout[1 + arguments.length()];
    layouts[0] = ADDRESS;
    for (int i = 0; i < arguments.length(); i++) {
      layouts[i + 1] =
          switch (arguments.charAt(i)) {
            case 'h' -> JAVA_LONG;
            case 'e' -> JAVA_INT;
            case 'd' -> ADDRESS;
            case 'f' -> JAVA_FLOAT;
            default -> throw new IllegalArgumentException(arguments);
          };
    }
    return calls.link(symbol(operation), layouts);
  }

  private static String symbol(String operation) {
    return "dnnl_" + operation + "_primitive_desc_create";
  }

  public long reorder(
      long source, long sourceEngine, long destination, long destinationEngine, long attr) {
    return calls.create(
        symbol("reorder") + "()",
        (arena, out) ->
            (int)
                reorder.invokeExact(
                    out, source, sourceEngine, destination, destinationEngine, attr));
  }

  public long convolution_forward(
      long engine,
      int propagation,
      int algorithm,
      long source,
      long weights,
      long bias,
      long destination,
      Window window,
      long attr) {
    return calls.create(
        symbol("convolution_forward") + "(" + window + ")",
        (arena, out) ->
            (int)
                convolutionForward.invokeExact(
                    out,
                    engine,
                    propagation,
                    algorithm,
                    source,
                    weights,
                    bias,
                    destination,
                    dims(arena, window.strides()),
                    dims(arena, NO_DILATION),
                    dims(arena, window.padding()),
                    dims(arena, window.padding()),
                    attr));
  }

  public long convolution_backward_data(
      long engine,
      int algorithm,
      long sourceGradient,
      long weights,
      long destinationGradient,
      Window window,
      long hint,
      long attr) {
    return calls.create(
        symbol("convolution_backward_data") + "(" + window + ")",
        (arena, out) ->
            (int)
                convolutionBackwardData.invokeExact(
                    out,
                    engine,
                    algorithm,
                    sourceGradient,
                    weights,
                    destinationGradient,
                    dims(arena, window.strides()),
                    dims(arena, NO_DILATION),
                    dims(arena, window.padding()),
                    dims(arena, window.padding()),
                    hint,
                    attr));
  }

  public long convolution_backward_weights(
      long engine,
      int algorithm,
      long source,
      long weightsGradient,
      long biasGradient,
      long destinationGradient,
      Window window,
      long hint,
      long attr) {
    return calls.create(
        symbol("convolution_backward_weights") + "(" + window + ")",
        (arena, out) ->
            (int)
                convolutionBackwardWeights.invokeExact(
                    out,
                    engine,
                    algorithm,
                    source,
                    weightsGradient,
                    biasGradient,
                    destinationGradient,
                    dims(arena, window.strides()),
                    dims(arena, NO_DILATION),
                    dims(arena, window.padding()),
                    dims(arena, window.padding()),
                    hint,
                    attr));
  }

  public long pooling_forward(
      long engine,
      int propagation,
      int algorithm,
      long source,
      long destination,
      Window window,
      long attr) {
    return calls.create(
        symbol("pooling_forward") + "(" + window + ")",
        (arena, out) ->
            (int)
                poolingForward.invokeExact(
                    out,
                    engine,
                    propagation,
                    algorithm,
                    source,
                    destination,
                    dims(arena, window.strides()),
                    dims(arena, window.kernel()),
                    dims(arena, NO_DILATION),
                    dims(arena, window.padding()),
                    dims(arena, window.padding()),
                    attr));
  }

  public long pooling_backward(
      long engine,
      int algorithm,
      long sourceGradient,
      long destinationGradient,
      Window window,
      long hint,
      long attr) {
    return calls.create(
        symbol("pooling_backward") + "(" + window + ")",
        (arena, out) ->
            (int)
                poolingBackward.invokeExact(
                    out,
                    engine,
                    algorithm,
                    sourceGradient,
                    destinationGradient,
                    dims(arena, window.strides()),
                    dims(arena, window.kernel()),
                    dims(arena, NO_DILATION),
                    dims(arena, window.padding()),
                    dims(arena, window.padding()),
                    hint,
                    attr));
  }

  public long inner_product_forward(
      long engine,
      int propagation,
      long source,
      long weights,
      long bias,
      long destination,
      long attr) {
    return calls.create(
        symbol("inner_product_forward") + "()",
        (arena, out) ->
            (int)
                innerProductForward.invokeExact(
                    out, engine, propagation, source, weights, bias, destination, attr));
  }

  public long inner_product_backward_data(
      long engine,
      long sourceGradient,
      long weights,
      long destinationGradient,
      long hint,
      long attr) {
    return calls.create(
        symbol("inner_product_backward_data") + "()",
        (arena, out) ->
            (int)
                innerProductBackwardData.invokeExact(
                    out, engine, sourceGradient, weights, destinationGradient, hint, attr));
  }

  public long inner_product_backward_weights(
      long engine,
      long source,
      long weightsGradient,
      long biasGradient,
      long destinationGradient,
      long hint,
      long attr) {
    return calls.create(
        symbol("inner_product_backward_weights") + "()",
        (arena, out) ->
            (int)
                innerProductBackwardWeights.invokeExact(
                    out,
                    engine,
                    source,
                    weightsGradient,
                    biasGradient,
                    destinationGradient,
                    hint,
                    attr));
  }

  public long matmul(
      long engine, long source, long weights, long bias, long destination, long attr) {
    return calls.create(
        symbol("matmul") + "()",
        (arena, out) ->
            (int) matmul.invokeExact(out, engine, source, weights, bias, destination, attr));
  }

  public long eltwise_forward(
      long engine,
      int propagation,
      int algorithm,
      long source,
      long destination,
      float alpha,
      float beta,
      long attr) {
    return calls.create(
        symbol("eltwise_forward") + "(" + algorithm + ")",
        (arena, out) ->
            (int)
                eltwiseForward.invokeExact(
                    out, engine, propagation, algorithm, source, destination, alpha, beta, attr));
  }

  public long eltwise_backward(
      long engine,
      int algorithm,
      long sourceGradient,
      long destinationGradient,
      long data,
      float alpha,
      float beta,
      long hint,
      long attr) {
    return calls.create(
        symbol("eltwise_backward") + "(" + algorithm + ")",
        (arena, out) ->
            (int)
                eltwiseBackward.invokeExact(
                    out,
                    engine,
                    algorithm,
                    sourceGradient,
                    destinationGradient,
                    data,
                    alpha,
                    beta,
                    hint,
                    attr));
  }
}
