package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import org.junit.jupiter.api.Test;

class LtProductTest {
  /** How many parts the emulated cublasLt splits a sum into, where it has the memory for them. */
  private static final int SPLITS = 4;

  private static final int ROWS = 2048;

  /** The most columns of a result whose four partial sums still fit the workspace. */
  private static final int MOST_COLUMNS =
      (int) (ComputeLane.WORKSPACE_BYTES / (SPLITS * Float.BYTES * ROWS));

  /** What cuDNN reserves depends on the plans before, and an algorithm decides over bits. */
  @Test
  void theAlgorithmDoesNotDependOnWhatElseTheWorkspaceIsFor() {
    for (long reserved : new long[] {0, 2 * ComputeLane.WORKSPACE_BYTES}) {
      assertThat(algorithm(MOST_COLUMNS, reserved)).contains("split 4");
      assertThat(algorithm(MOST_COLUMNS + 1, reserved)).contains("split 1");
    }
  }

  /** The algorithm of a product on a lane on which so much was reserved before. */
  private static String algorithm(int columns, long reserved) {
    EmulatedDevice device = new EmulatedDevice();
    String algorithm;
    try (DeviceScope scope = new DeviceScope()) {
      CudaEngine engine = EmulatedEngine.of(device);
      CudaContext context = scope.own(CudaContext.open(engine.driver(), 0));
      ComputeLane lane = scope.own(ComputeLane.open(context, engine, MathMode.FP32, "one"));
      lane.reserve(reserved);
      LtProduct product =
          scope.own(
              LtProduct.plan(
                      lane,
                      new LtProduct.Operand(ROWS, SPLITS, CUBLAS_OP_N),
                      new LtProduct.Operand(SPLITS, columns, CUBLAS_OP_N),
                      new LtProduct.Operand(ROWS, columns, CUBLAS_OP_N),
                      CUBLASLT_EPILOGUE_DEFAULT,
                      null)
                  .orElseThrow());
      algorithm = product.toString();
    }
    assertThat(device.live()).isEmpty();
    return algorithm;
  }
}
