package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CudnnConstants;

/**
 * A convolution whose shapes fit together.
 *
 * @param mathType of {@code cudnnMathType_t}
 * @param x the input, or its gradient
 * @param w the filters, or their gradient
 * @param y the output, or its gradient
 */
record ConvolutionProblem(
    ConvolutionShape convolution, int mathType, TensorShape x, TensorShape w, TensorShape y) {
  /** What is computed; an algorithm's number is of its own enumeration in each direction. */
  enum Direction {
    FORWARD(7),
    BACKWARD_DATA(5),
    BACKWARD_FILTER(5);

    /** The number of the algorithm of Winograd in separate kernels. */
    private final int winograd;

    Direction(int winograd) {
      this.winograd = winograd;
    }
  }

  ConvolutionLoops loops() {
    return new ConvolutionLoops(convolution, x, w);
  }

  /** Returns what a direction computes. */
  TensorShape result(Direction direction) {
    return switch (direction) {
      case FORWARD -> y;
      case BACKWARD_DATA -> x;
      case BACKWARD_FILTER -> w;
    };
  }

  boolean isEmulated(Direction direction, int algorithm) {
    return algorithm == 0 || algorithm == 1 || algorithm == direction.winograd;
  }

  /** Whether an algorithm can do it: that of Winograd is for 3x3 filters of stride 1 in NCHW. */
  boolean isSupported(Direction direction, int algorithm) {
    return algorithm != direction.winograd
        || w.h() == 3
            && w.w() == 3
            && convolution.rows().isDense()
            && convolution.columns().isDense()
            && x.format() == CudnnConstants.CUDNN_TENSOR_NCHW;
  }

  /** Returns what an algorithm needs: 0 needs nothing; all others have tables to keep. */
  long workspaceBytes(Direction direction, int algorithm) {
    return algorithm == 0 ? 0 : 256 + 4L * w.elements() * (1 + direction.ordinal());
  }

  boolean isDeterministic(Direction direction, int algorithm) {
    return direction == Direction.FORWARD || algorithm == 1;
  }
}
