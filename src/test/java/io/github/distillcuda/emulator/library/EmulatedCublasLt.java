package io.github.distillcuda.emulator.library;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.device.DeviceWork;
import io.github.distillcuda.emulator.device.EmulatedApi;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** cublasLt on an emulated device: products with the epilogues of a linear layer. */
public final class EmulatedCublasLt extends EmulatedApi implements CublasLtApi {
  private static final int INVALID_VALUE = CublasConstants.CUBLAS_STATUS_INVALID_VALUE;
  private static final int NOT_SUPPORTED = CublasConstants.CUBLAS_STATUS_NOT_SUPPORTED;

  /** Attributes that cublasLt.h has, and their bytes; the others are not known to it. */
  private static final Map<Integer, Integer> MATMUL_ATTRIBUTES =
      Map.of(
          CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA, 4,
          CublasConstants.CUBLASLT_MATMUL_DESC_TRANSB, 4,
          CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE, 4,
          CublasConstants.CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8,
          CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, 8,
          CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, 8);

  private static final int KNOWN_ATTRIBUTES = 40;

  /** What heuristics assume of pointers unless they are told otherwise. */
  private static final int ALIGNMENT = 256;

  private static final class Handle {}

  private static final class Preference {
    private long maxWorkspace;
    private int reductions = LtAlgorithm.ALL_REDUCTIONS;
  }

  private final DeviceArrays arrays;
  private final Set<Integer> refused = new HashSet<>();

  public EmulatedCublasLt(EmulatedDevice device) {
    super(device);
    arrays = new DeviceArrays(device.memory());
  }

  /** Lets the library have no algorithm for an epilogue, as it may for a type and a GPU. */
  public EmulatedCublasLt refusing(int epilogue) {
    refused.add(epilogue);
    return this;
  }

  @Override
  protected RuntimeException failure(String call, int status, String reason) {
    return CublasStatus.failure(call, status, reason);
  }

  @Override
  protected int statusOf(int driverResult) {
    return CublasStatus.of(driverResult);
  }

  @Override
  public long cublasLtGetVersion() {
    device().latch().requireUsable("cublasLtGetVersion");
    return 130_101;
  }

  @Override
  public long cublasLtCreate() {
    call("cublasLtCreate");
    require(
        device().hasContext(), CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED, "no current context");
    return device().add("cublasLt", new Handle());
  }

  @Override
  public void cublasLtDestroy(long handle) {
    callToEnd(Handle.class, INVALID_VALUE, "cublasLtDestroy", handle);
  }

  // ---- Descriptions

  @Override
  public long cublasLtMatmulDescCreate(int computeType, int scaleType) {
    call("cublasLtMatmulDescCreate", computeType, scaleType);
    return device().add("matmul", new LtMatmul(computeType, scaleType, new HashMap<>()));
  }

  @Override
  public void cublasLtMatmulDescSetAttribute(long matmul, int attribute, MemorySegment value) {
    call("cublasLtMatmulDescSetAttribute", matmul, attribute, value);
    LtMatmul description = require(LtMatmul.class, matmul, INVALID_VALUE);
    require(attribute >= 0 && attribute < KNOWN_ATTRIBUTES, INVALID_VALUE, "no such attribute");
    Integer bytes = MATMUL_ATTRIBUTES.get(attribute);
    emulated(bytes != null, () -> "this attribute");
    require(value.byteSize() == bytes, INVALID_VALUE, "it has " + bytes + " bytes");
    description
        .attributes()
        .put(attribute, bytes == 4 ? value.get(JAVA_INT, 0) : value.get(JAVA_LONG, 0));
  }

  @Override
  public void cublasLtMatmulDescDestroy(long matmul) {
    end(LtMatmul.class, "cublasLtMatmulDescDestroy", matmul);
  }

  @Override
  public long cublasLtMatrixLayoutCreate(int type, long rows, long columns, long leadingDimension) {
    call("cublasLtMatrixLayoutCreate", type, rows, columns, leadingDimension);
    return device().add("layout", new LtLayout(type, rows, columns, leadingDimension));
  }

  @Override
  public void cublasLtMatrixLayoutDestroy(long layout) {
    end(LtLayout.class, "cublasLtMatrixLayoutDestroy", layout);
  }

  @Override
  public long cublasLtMatmulPreferenceCreate() {
    call("cublasLtMatmulPreferenceCreate");
    return device().add("preference", new Preference());
  }

  @Override
  public void cublasLtMatmulPreferenceSetAttribute(
      long handle, int attribute, MemorySegment value) {
    call("cublasLtMatmulPreferenceSetAttribute", handle, attribute, value);
    Preference preference = require(Preference.class, handle, INVALID_VALUE);
    switch (attribute) {
      case CublasConstants.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES -> {
        require(value.byteSize() == 8, INVALID_VALUE, "it has 8 bytes");
        preference.maxWorkspace = value.get(JAVA_LONG, 0);
      }
      case CublasConstants.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK -> {
        require(value.byteSize() == 4, INVALID_VALUE, "it has 4 bytes");
        preference.reductions = value.get(JAVA_INT, 0);
      }
      default -> {
        require(attribute >= 0 && attribute < KNOWN_ATTRIBUTES, INVALID_VALUE, "no such attribute");
        throw notEmulated("this attribute");
      }
    }
  }

  @Override
  public void cublasLtMatmulPreferenceDestroy(long preference) {
    end(Preference.class, "cublasLtMatmulPreferenceDestroy", preference);
  }

  /** Nothing is destroyed without complaint. */
  private <T> void end(Class<T> type, String function, long handle) {
    if (handle == 0) {
      call(function, handle);
    } else {
      callToEnd(type, INVALID_VALUE, function, handle);
    }
  }

  // ---- Algorithms

  @Override
  public int cublasLtMatmulAlgoGetHeuristic(
      long handle,
      long matmul,
      long aLayout,
      long bLayout,
      long cLayout,
      long dLayout,
      long preference,
      MemorySegment results) {
    call(
        "cublasLtMatmulAlgoGetHeuristic",
        handle,
        matmul,
        aLayout,
        bLayout,
        cLayout,
        dLayout,
        preference,
        results);
    LtProblem problem = problem(handle, matmul, aLayout, bLayout, cLayout, dLayout);
    Preference wanted = require(Preference.class, preference, INVALID_VALUE);
    int room = (int) (results.byteSize() / CublasConstants.HEURISTIC_BYTES);
    int found = 0;
    for (LtAlgorithm algorithm : LtAlgorithm.candidates(problem.k(), wanted.reductions)) {
      long workspace = algorithm.workspace(problem.m(), problem.n());
      if (workspace <= wanted.maxWorkspace && found < room) {
        MemorySegment result =
            results.asSlice(
                found++ * CublasConstants.HEURISTIC_BYTES, CublasConstants.HEURISTIC_BYTES);
        algorithm.write(result);
        answer(result, workspace);
      }
    }
    return found;
  }

  private static void answer(MemorySegment result, long workspace) {
    result.set(JAVA_LONG, CublasConstants.HEURISTIC_WORKSPACE_OFFSET, workspace);
    result.set(JAVA_INT, CublasConstants.HEURISTIC_STATUS_OFFSET, 0);
  }

  @Override
  public int cublasLtMatmulAlgoConfigGetAttribute(MemorySegment algorithm, int attribute) {
    call("cublasLtMatmulAlgoConfigGetAttribute", algorithm, attribute);
    require(LtAlgorithm.isAttribute(attribute), INVALID_VALUE, "no such attribute");
    return algorithm.get(JAVA_INT, attribute * 4L);
  }

  /** Which algorithm it is cannot be changed; what else is set, is checked when it is used. */
  @Override
  public void cublasLtMatmulAlgoConfigSetAttribute(
      MemorySegment algorithm, int attribute, int value) {
    call("cublasLtMatmulAlgoConfigSetAttribute", algorithm, attribute, value);
    require(
        LtAlgorithm.isAttribute(attribute) && attribute != CublasConstants.CUBLASLT_ALGO_CONFIG_ID,
        INVALID_VALUE,
        "no such attribute can be set");
    algorithm.set(JAVA_INT, attribute * 4L, value);
  }

  @Override
  public void cublasLtMatmulAlgoCheck(
      long handle,
      long matmul,
      long aLayout,
      long bLayout,
      long cLayout,
      long dLayout,
      MemorySegment algorithm,
      MemorySegment result) {
    call(
        "cublasLtMatmulAlgoCheck",
        handle,
        matmul,
        aLayout,
        bLayout,
        cLayout,
        dLayout,
        algorithm,
        result);
    LtProblem problem = problem(handle, matmul, aLayout, bLayout, cLayout, dLayout);
    LtAlgorithm checked = algorithm(algorithm, problem);
    MemorySegment.copy(algorithm, 0, result, 0, CublasConstants.ALGORITHM_BYTES);
    answer(result, checked.workspace(problem.m(), problem.n()));
  }

  private LtAlgorithm algorithm(MemorySegment algorithm, LtProblem problem) {
    emulated(algorithm.address() != 0, () -> "a search within the product");
    LtAlgorithm read = LtAlgorithm.read(algorithm);
    require(read.isInitialised(), INVALID_VALUE, "this is no algorithm");
    require(read.suits(problem.k()), NOT_SUPPORTED, "no such split or reduction");
    return read;
  }

  private LtProblem problem(
      long handle, long matmul, long aLayout, long bLayout, long cLayout, long dLayout) {
    require(Handle.class, handle, INVALID_VALUE);
    LtProblem problem =
        new LtProblem(
            require(LtMatmul.class, matmul, INVALID_VALUE),
            require(LtLayout.class, aLayout, INVALID_VALUE),
            require(LtLayout.class, bLayout, INVALID_VALUE),
            require(LtLayout.class, cLayout, INVALID_VALUE),
            require(LtLayout.class, dLayout, INVALID_VALUE));
    problem.notEmulated().ifPresent(reason -> emulated(false, () -> reason));
    problem.mismatch().ifPresent(reason -> fail(INVALID_VALUE, reason));
    require(!refused.contains(problem.epilogue()), NOT_SUPPORTED, "no algorithm has this epilogue");
    return problem;
  }

  // ---- The product

  @Override
  public void cublasLtMatmul(
      long handle,
      long matmul,
      float alpha,
      long a,
      long aLayout,
      long b,
      long bLayout,
      float beta,
      long c,
      long cLayout,
      long d,
      long dLayout,
      MemorySegment algorithm,
      long workspace,
      long workspaceBytes,
      long stream) {
    call(
        "cublasLtMatmul",
        handle,
        matmul,
        alpha,
        a,
        aLayout,
        b,
        bLayout,
        beta,
        c,
        cLayout,
        d,
        dLayout,
        algorithm,
        workspace,
        workspaceBytes,
        stream);
    LtProblem problem = problem(handle, matmul, aLayout, bLayout, cLayout, dLayout);
    long needed = algorithm(algorithm, problem).workspace(problem.m(), problem.n());
    require(needed <= workspaceBytes, INVALID_VALUE, "the workspace is too small");
    for (long pointer : new long[] {a, b, c, d, workspace}) {
      require(
          pointer % ALIGNMENT == 0,
          INVALID_VALUE,
          "0x%x is not aligned to 256 bytes, which heuristics assume".formatted(pointer));
    }
    require(problem.hasPointers(), INVALID_VALUE, "the epilogue lacks a pointer");
    require(
        problem.epilogue() != CublasConstants.CUBLASLT_EPILOGUE_DRELU,
        INVALID_VALUE,
        "DRELU without the bias gradient, as an H200 answers");
    LtProduct product =
        new LtProduct(arrays, problem, device().computeCapability() >= 80 && problem.tf32());
    device()
        .submit(
            stream,
            DeviceWork.ofLibrary(
                "cublasLtMatmul",
                () -> {
                  arrays.scribble(workspace, workspaceBytes);
                  product.run(alpha, a, b, beta, c, d);
                  arrays.scribble(workspace, workspaceBytes);
                }));
  }
}
