package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedCublasLt;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.emulator.library.Intercepted;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.NativeException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
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

  /** A GPU was seen whose cublasLt offered algorithms and refused them at the launch. */
  @Test
  void whatIsOfferedAndRefusedAtTheLaunchIsPassedOver() {
    for (int status : new int[] {7, 8, 15}) {
      assertThat(algorithm(MOST_COLUMNS, 0, refusing("cublasLtMatmul", 1, status)).orElseThrow())
          .contains("split 1");
      assertThat(algorithm(MOST_COLUMNS, 0, refusing("cublasLtMatmul", 2, status))).isEmpty();
      assertThat(algorithm(MOST_COLUMNS, 0, refusing("cublasLtMatmulAlgoGetHeuristic", 1, status)))
          .isEmpty();
    }
    for (String function : new String[] {"cublasLtMatmul", "cublasLtMatmulAlgoGetHeuristic"}) {
      assertThatThrownBy(() -> algorithm(MOST_COLUMNS, 0, refusing(function, 1, 13)))
          .isInstanceOf(NativeException.class)
          .hasMessageContaining("says the test");
    }
  }

  private static String algorithm(int columns, long reserved) {
    return algorithm(columns, reserved, cublasLt -> cublasLt).orElseThrow();
  }

  /** Has the first calls of a function fail with a status. */
  private static UnaryOperator<CublasLtApi> refusing(String function, int calls, int status) {
    AtomicInteger left = new AtomicInteger(calls);
    return cublasLt ->
        Intercepted.before(
            CublasLtApi.class,
            cublasLt,
            function,
            () -> {
              if (left.getAndDecrement() > 0) {
                throw new NativeException(function, "REFUSED", status, "says the test");
              }
            });
  }

  /** The algorithm of a product on a lane on which so much was reserved before. */
  private static Optional<String> algorithm(
      int columns, long reserved, UnaryOperator<CublasLtApi> seenAs) {
    EmulatedDevice device = new EmulatedDevice();
    Optional<String> algorithm;
    try (DeviceScope scope = new DeviceScope()) {
      CudaEngine engine = EmulatedEngine.of(device, seenAs.apply(EmulatedCublasLt.on(device)));
      CudaContext context = scope.own(CudaContext.open(engine.driver(), 0));
      ComputeLane lane = scope.own(ComputeLane.open(context, engine, MathMode.FP32, "one"));
      lane.reserve(reserved);
      Optional<LtProduct> product =
          LtProduct.plan(
              lane,
              operand(scope, lane, ROWS, SPLITS),
              operand(scope, lane, SPLITS, columns),
              operand(scope, lane, ROWS, columns),
              CUBLASLT_EPILOGUE_DEFAULT,
              null);
      algorithm = product.map(scope::own).map(LtProduct::toString);
    }
    assertThat(device.live()).isEmpty();
    return algorithm;
  }

  private static Operand operand(DeviceScope scope, ComputeLane lane, int rows, int columns) {
    DeviceBuffer zeros =
        scope.own(lane.context().memory().allocate("zeros", (long) rows * columns * Float.BYTES));
    lane.stream().clear(zeros);
    return new Operand(DeviceSpan.of(zeros), rows, columns, CUBLAS_OP_N);
  }
}
