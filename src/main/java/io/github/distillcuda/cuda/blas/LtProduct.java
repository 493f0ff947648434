package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_BIAS_POINTER;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_TRANSB;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * One product of float32 by cublasLt with what follows it, on one lane, with the first algorithm of
 * its heuristic that runs among those that always give the same bits: a long sum may be split if
 * its parts are added in a step of their own. Asynchronous; allocates nothing.
 */
public final class LtProduct implements AutoCloseable {
  private static final int CANDIDATES = 8;

  /** The reductions of split sums whose order is fixed: in the compute or the output type. */
  private static final int FIXED_ORDER = 2 | 4;

  /** An operand and how it is described to cublasLt. */
  private record Described(long address, LibraryObject layout) {}

  private final ComputeLane lane;
  private final CublasLtApi cublasLt;
  private final DeviceScope scope = new DeviceScope();
  private final Arena arena = Arena.ofConfined();
  private final LibraryObject matmul;
  private final Described a;
  private final Described b;
  private final Described d;
  private MemorySegment algorithm;
  private long workspaceBytes;

  private LtProduct(
      ComputeLane lane, Operand left, Operand right, Operand result, int epilogue, long bias) {
    this.lane = lane;
    cublasLt = lane.engine().cublasLt();
    scope.own(arena::close);
    lane.closeAtTheLatest(scope);
    matmul =
        own(
            "product",
            cublasLt.cublasLtMatmulDescCreate(
                lane.math().computeType(), CublasConstants.CUDA_R_32F),
            cublasLt::cublasLtMatmulDescDestroy);
    set(CUBLASLT_MATMUL_DESC_TRANSA, left.operation());
    set(CUBLASLT_MATMUL_DESC_TRANSB, right.operation());
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    if (epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
      cublasLt.cublasLtMatmulDescSetAttribute(
          matmul.address(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, arena.allocateFrom(JAVA_LONG, bias));
    }
    a = described(left);
    b = described(right);
    d = described(result);
  }

  /**
   * Plans a product by doing it once, as cublasLt may refuse what its heuristic offers; the caller
   * closes it. The lane's stream alone may be at work on the operands.
   *
   * @param bias what the epilogue reads or writes besides the result; null if it has none
   * @return nothing if cublasLt does not have that
   */
  static Optional<LtProduct> plan(
      ComputeLane lane,
      Operand left,
      Operand right,
      Operand result,
      int epilogue,
      DeviceSpan bias) {
    try (DeviceScope planning = new DeviceScope()) {
      LtProduct product =
          planning.own(
              new LtProduct(
                  lane, left, right, result, epilogue, bias == null ? 0 : bias.address()));
      return product.choose() ? Optional.of(planning.release(product)) : Optional.empty();
    }
  }

  private LibraryObject own(String name, long address, LongConsumer destroy) {
    return scope.own(new LibraryObject(lane.context(), name, address, destroy));
  }

  private void set(int attribute, int value) {
    cublasLt.cublasLtMatmulDescSetAttribute(
        matmul.address(), attribute, arena.allocateFrom(JAVA_INT, value));
  }

  private Described described(Operand operand) {
    LibraryObject layout =
        own(
            "layout %d x %d".formatted(operand.rows(), operand.columns()),
            cublasLt.cublasLtMatrixLayoutCreate(
                CublasConstants.CUDA_R_32F, operand.rows(), operand.columns(), operand.rows()),
            cublasLt::cublasLtMatrixLayoutDestroy);
    return new Described(operand.elements().address(), layout);
  }

  /**
   * Takes the first algorithm that the heuristic offers and that runs; returns whether one does.
   */
  private boolean choose() {
    lane.cublasLt(); // which reserves the workspace that is the limit below
    LibraryObject preference =
        own(
            "preference",
            cublasLt.cublasLtMatmulPreferenceCreate(),
            cublasLt::cublasLtMatmulPreferenceDestroy);
    cublasLt.cublasLtMatmulPreferenceSetAttribute(
        preference.address(),
        CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
        arena.allocateFrom(JAVA_LONG, ComputeLane.WORKSPACE_BYTES));
    cublasLt.cublasLtMatmulPreferenceSetAttribute(
        preference.address(),
        CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        arena.allocateFrom(JAVA_INT, FIXED_ORDER));
    MemorySegment results = arena.allocate(CANDIDATES * CublasConstants.HEURISTIC_BYTES, 8);
    int found = search(preference, results);
    for (int i = 0; i < found; i++) {
      MemorySegment result =
          results.asSlice(i * CublasConstants.HEURISTIC_BYTES, CublasConstants.HEURISTIC_BYTES);
      if (result.get(JAVA_INT, CublasConstants.HEURISTIC_STATUS_OFFSET) == 0) {
        algorithm = result.asSlice(0, CublasConstants.ALGORITHM_BYTES);
        workspaceBytes = result.get(JAVA_LONG, CublasConstants.HEURISTIC_WORKSPACE_OFFSET);
        if (runs()) {
          return true;
        }
      }
    }
    return false;
  }

  private int search(LibraryObject preference, MemorySegment results) {
    try {
      return cublasLt.cublasLtMatmulAlgoGetHeuristic(
          lane.cublasLt(),
          matmul.address(),
          a.layout().address(),
          b.layout().address(),
          d.layout().address(),
          d.layout().address(),
          preference.address(),
          results);
    } catch (NativeException e) {
      if (isRefusal(e)) {
        return 0;
      }
      throw e;
    }
  }

  /** Which of them a device answers, and at which call, differs from release to release. */
  private static boolean isRefusal(NativeException e) {
    return switch (e.code()) {
      case CublasConstants.CUBLAS_STATUS_INVALID_VALUE,
          CublasConstants.CUBLAS_STATUS_ARCH_MISMATCH,
          CublasConstants.CUBLAS_STATUS_NOT_SUPPORTED ->
          true;
      default -> false;
    };
  }

  /** Does the product; returns false if cublasLt refuses it with this algorithm. */
  private boolean runs() {
    try {
      enqueue();
      return true;
    } catch (NativeException e) {
      if (isRefusal(e)) {
        return false;
      }
      throw e;
    }
  }

  /** Appends {@code D = epilogue(op(A) * op(B))} to the lane's stream. */
  public void enqueue() {
    cublasLt.cublasLtMatmul(
        lane.cublasLt(),
        matmul.address(),
        1,
        a.address(),
        a.layout().address(),
        b.address(),
        b.layout().address(),
        0,
        d.address(),
        d.layout().address(),
        d.address(),
        d.layout().address(),
        algorithm,
        lane.workspace(),
        workspaceBytes,
        lane.stream().address());
  }

  /** Returns the algorithm for people: its number, tile, and into how many parts sums are split. */
  @Override
  public String toString() {
    return "algorithm %s, tile %s, split %s, reduction %s"
        .formatted(
            config(CublasConstants.CUBLASLT_ALGO_CONFIG_ID),
            config(CublasConstants.CUBLASLT_ALGO_CONFIG_TILE_ID),
            config(CublasConstants.CUBLASLT_ALGO_CONFIG_SPLITK_NUM),
            config(CublasConstants.CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME));
  }

  /** Newer kernels have no number for some of these; that is no reason not to use them. */
  private String config(int attribute) {
    try {
      return Integer.toString(cublasLt.cublasLtMatmulAlgoConfigGetAttribute(algorithm, attribute));
    } catch (NativeException e) {
      if (e.code() == CublasConstants.CUBLAS_STATUS_INVALID_VALUE
          || e.code() == CublasConstants.CUBLAS_STATUS_NOT_SUPPORTED) {
        return "?";
      }
      throw e;
    }
  }

  @Override
  public void close() {
    scope.close();
  }
}
