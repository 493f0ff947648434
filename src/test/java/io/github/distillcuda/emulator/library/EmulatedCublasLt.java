package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_BIAS_POINTER;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_TRANSB;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** cublasLt on an emulated device: products with the epilogues of a linear layer. */
public final class EmulatedCublasLt extends EmulatedProducts implements CublasLtApi {
  /** Attributes from here on are not known to cublasLt.h. */
  private static final int KNOWN_ATTRIBUTES = 40;

  /** What heuristics assume of pointers unless they are told otherwise. */
  private static final int ALIGNMENT = 256;

  /** The emulated attributes of a product and their defaults: an Integer has 32 bits in C. */
  private static final Map<Integer, Number> MATMUL_ATTRIBUTES =
      Map.of(
          CUBLASLT_MATMUL_DESC_TRANSA, CublasConstants.CUBLAS_OP_N,
          CUBLASLT_MATMUL_DESC_TRANSB, CublasConstants.CUBLAS_OP_N,
          CUBLASLT_MATMUL_DESC_EPILOGUE, CublasConstants.CUBLASLT_EPILOGUE_DEFAULT,
          CUBLASLT_MATMUL_DESC_BIAS_POINTER, 0L);

  /** Those of preferences, likewise. */
  private static final Map<Integer, Number> PREFERENCES =
      Map.of(
          CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
          0L,
          CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
          LtAlgorithm.ALL_REDUCTIONS);

  private static final class Handle {}

  // Descriptions say what they were told: anything goes until it is used.
  private record Matmul(int computeType, int scaleType, Map<Integer, Number> attributes) {}

  private record Layout(int type, long rows, long columns, long ld) {}

  private record Preference(Map<Integer, Number> attributes) {}

  private final Set<Integer> refusedEpilogues;

  private EmulatedCublasLt(EmulatedDevice device, Set<Integer> refusedEpilogues) {
    super(device);
    this.refusedEpilogues = refusedEpilogues;
  }

  /**
   * Returns cublasLt on a device.
   *
   * @param refused epilogues that it has no algorithm for, as it may for a type and a GPU
   */
  public static CublasLtApi on(EmulatedDevice device, Integer... refused) {
    return new EmulatedCublasLt(device, Set.of(refused))
        .logging(CublasLtApi.class, Set.of("cublasLtGetVersion"));
  }

  @Override
  public long cublasLtGetVersion() {
    return VERSION;
  }

  @Override
  public long cublasLtCreate() {
    return open("cublasLt", new Handle());
  }

  @Override
  public void cublasLtDestroy(long handle) {
    end(Handle.class, CublasConstants.CUBLAS_STATUS_INVALID_VALUE, handle);
  }

  // ---- Descriptions

  @Override
  public long cublasLtMatmulDescCreate(int computeType, int scaleType) {
    Map<Integer, Number> attributes = new HashMap<>(MATMUL_ATTRIBUTES);
    return device().add("matmul", new Matmul(computeType, scaleType, attributes));
  }

  @Override
  public void cublasLtMatmulDescSetAttribute(long matmul, int attribute, MemorySegment value) {
    set(object(Matmul.class, matmul).attributes(), attribute, value);
  }

  private void set(Map<Integer, Number> attributes, int attribute, MemorySegment value) {
    requireValid(attribute >= 0 && attribute < KNOWN_ATTRIBUTES, "no such attribute");
    emulated(attributes.containsKey(attribute), () -> "this attribute");
    boolean isInt = attributes.get(attribute) instanceof Integer;
    requireValid(value.byteSize() == (isInt ? 4 : 8), "the attribute has another size");
    // As a Number, or Java makes a long of the int.
    attributes.put(attribute, isInt ? (Number) value.get(JAVA_INT, 0) : value.get(JAVA_LONG, 0));
  }

  @Override
  public void cublasLtMatmulDescDestroy(long matmul) {
    end(Matmul.class, matmul);
  }

  @Override
  public long cublasLtMatrixLayoutCreate(int type, long rows, long columns, long leadingDimension) {
    return device().add("layout", new Layout(type, rows, columns, leadingDimension));
  }

  @Override
  public void cublasLtMatrixLayoutDestroy(long layout) {
    end(Layout.class, layout);
  }

  @Override
  public long cublasLtMatmulPreferenceCreate() {
    return device().add("preference", new Preference(new HashMap<>(PREFERENCES)));
  }

  @Override
  public void cublasLtMatmulPreferenceSetAttribute(
      long preference, int attribute, MemorySegment value) {
    set(object(Preference.class, preference).attributes(), attribute, value);
  }

  @Override
  public void cublasLtMatmulPreferenceDestroy(long preference) {
    end(Preference.class, preference);
  }

  // ---- Algorithms

  @Override
  public int cublasLtMatmulAlgoGetHeuristic(
      long handle, long matmul, long a, long b, long c, long d, long pref, MemorySegment results) {
    MatrixProduct product = product(handle, matmul, at(0, a), at(0, b), at(0, c), at(0, d));
    Map<Integer, Number> wanted = object(Preference.class, pref).attributes();
    long room = wanted.get(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES).longValue();
    int reductions = wanted.get(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK).intValue();
    long bytes = CublasConstants.HEURISTIC_BYTES;
    int found = 0;
    for (LtAlgorithm algorithm : LtAlgorithm.CANDIDATES) {
      long workspace = algorithm.workspace(product.d());
      if (algorithm.suits(product.k())
          && (algorithm.reduction() & ~reductions) == 0
          && workspace <= room
          && (found + 1) * bytes <= results.byteSize()) {
        MemorySegment result = results.asSlice(found++ * bytes, bytes);
        algorithm.write(result);
        result.set(JAVA_LONG, CublasConstants.HEURISTIC_WORKSPACE_OFFSET, workspace);
        result.set(JAVA_INT, CublasConstants.HEURISTIC_STATUS_OFFSET, 0);
      }
    }
    return found;
  }

  @Override
  public int cublasLtMatmulAlgoConfigGetAttribute(MemorySegment algorithm, int attribute) {
    requireValid(
        attribute >= 0 && attribute <= CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, "no such attribute");
    return algorithm.getAtIndex(JAVA_INT, attribute);
  }

  // ---- The product

  /** Returns a matrix of which a layout says how it lies in memory. */
  private Matrix at(long address, long layout) {
    Layout how = object(Layout.class, layout);
    return matrix(address, how.type(), how.rows(), how.columns(), how.ld());
  }

  /** Returns a product as it is described now: that may be changed once it is asked for. */
  private MatrixProduct product(long handle, long matmul, Matrix a, Matrix b, Matrix c, Matrix d) {
    object(Handle.class, handle);
    Matmul described = object(Matmul.class, matmul);
    emulated(described.scaleType() == CublasConstants.CUDA_R_32F, () -> "this type of scales");
    boolean tf32 = asksForTf32(described.computeType());
    Map<Integer, Number> attributes = described.attributes();
    boolean transposeA = transposes(attributes.get(CUBLASLT_MATMUL_DESC_TRANSA).intValue());
    boolean transposeB = transposes(attributes.get(CUBLASLT_MATMUL_DESC_TRANSB).intValue());
    int epilogue = attributes.get(CUBLASLT_MATMUL_DESC_EPILOGUE).intValue();
    long bias = attributes.get(CUBLASLT_MATMUL_DESC_BIAS_POINTER).longValue();
    emulated(MatrixProduct.EPILOGUES.contains(epilogue), () -> "epilogue " + epilogue);
    MatrixProduct product =
        new MatrixProduct(a, transposeA, b, transposeB, tf32, c, d, epilogue, bias);
    requireValid(product.shapesFit(), "the shapes do not fit");
    requireValid(product.typesFit(), "the types do not fit");
    requireSupported(!refusedEpilogues.contains(epilogue), "no algorithm has its epilogue");
    return product;
  }

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
    MatrixProduct product =
        product(handle, matmul, at(a, aLayout), at(b, bLayout), at(c, cLayout), at(d, dLayout));
    emulated(algorithm.address() != 0, () -> "a search within the product");
    requireValid(LtAlgorithm.isIn(algorithm), "this is no algorithm");
    LtAlgorithm chosen = LtAlgorithm.read(algorithm);
    requireSupported(chosen.suits(product.k()), "no such split or reduction");
    requireValid(chosen.workspace(product.d()) <= workspaceBytes, "the workspace is too small");
    requireValid((a | b | c | d | workspace) % ALIGNMENT == 0, "an address that is not aligned");
    boolean plain = product.epilogue() == CublasConstants.CUBLASLT_EPILOGUE_DEFAULT;
    requireValid(plain || product.bias() != 0, "the epilogue lacks a pointer");
    Runnable body = () -> product.run(alpha, beta, tensorCores());
    submit(stream, new Workspace(workspace, workspaceBytes), body);
  }
}
