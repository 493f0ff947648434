package io.github.distillcuda.emulator.library;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/** cublasLt on an emulated device: products with the epilogues of a linear layer. */
public final class EmulatedCublasLt extends EmulatedLibrary implements CublasLtApi {
  /** Attributes from here on are not known to cublasLt.h. */
  private static final int KNOWN_ATTRIBUTES = 40;

  /** What heuristics assume of pointers unless they are told otherwise. */
  private static final int ALIGNMENT = 256;

  private static final class Handle {}

  private static final class Preference {
    private long maxWorkspace;
    private int reductions = LtAlgorithm.ALL_REDUCTIONS;
  }

  private final Set<Integer> refusedEpilogues;

  private EmulatedCublasLt(EmulatedDevice device, Set<Integer> refusedEpilogues) {
    super(device, LibraryStatuses.CUBLAS);
    this.refusedEpilogues = refusedEpilogues;
  }

  /** Returns cublasLt on a device. */
  public static CublasLtApi on(EmulatedDevice device) {
    return on(device, Set.of());
  }

  /** Returns one that has no algorithm for some epilogues, as it may for a type and a GPU. */
  public static CublasLtApi on(EmulatedDevice device, Set<Integer> refusedEpilogues) {
    return new EmulatedCublasLt(device, refusedEpilogues)
        .logging(CublasLtApi.class, Set.of("cublasLtGetVersion"));
  }

  @Override
  public long cublasLtGetVersion() {
    return 130_101;
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
    return device().add("matmul", new LtMatmul(computeType, scaleType));
  }

  @Override
  public void cublasLtMatmulDescSetAttribute(long matmul, int attribute, MemorySegment value) {
    LtMatmul description = object(LtMatmul.class, matmul);
    requireKnown(attribute);
    Integer bytes = LtMatmul.ATTRIBUTE_BYTES.get(attribute);
    emulated(bytes != null, () -> "this attribute");
    description.attributes().put(attribute, number(value, bytes));
  }

  private void requireKnown(int attribute) {
    requireValid(attribute >= 0 && attribute < KNOWN_ATTRIBUTES, "no such attribute");
  }

  private long number(MemorySegment value, int bytes) {
    requireValid(value.byteSize() == bytes, "it has " + bytes + " bytes");
    return bytes == 4 ? value.get(JAVA_INT, 0) : value.get(JAVA_LONG, 0);
  }

  @Override
  public void cublasLtMatmulDescDestroy(long matmul) {
    end(LtMatmul.class, matmul);
  }

  @Override
  public long cublasLtMatrixLayoutCreate(int type, long rows, long columns, long leadingDimension) {
    return device().add("layout", new LtLayout(type, rows, columns, leadingDimension));
  }

  @Override
  public void cublasLtMatrixLayoutDestroy(long layout) {
    end(LtLayout.class, layout);
  }

  @Override
  public long cublasLtMatmulPreferenceCreate() {
    return device().add("preference", new Preference());
  }

  @Override
  public void cublasLtMatmulPreferenceSetAttribute(
      long handle, int attribute, MemorySegment value) {
    Preference preference = object(Preference.class, handle);
    requireKnown(attribute);
    switch (attribute) {
      case CublasConstants.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ->
          preference.maxWorkspace = number(value, 8);
      case CublasConstants.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK ->
          preference.reductions = (int) number(value, 4);
      default -> throw notEmulated("this attribute");
    }
  }

  @Override
  public void cublasLtMatmulPreferenceDestroy(long preference) {
    end(Preference.class, preference);
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
    LtProduct product = product(handle, matmul, aLayout, bLayout, cLayout, dLayout);
    Preference wanted = object(Preference.class, preference);
    int room = (int) (results.byteSize() / CublasConstants.HEURISTIC_BYTES);
    int found = 0;
    for (LtAlgorithm algorithm : LtAlgorithm.candidates(product.k(), wanted.reductions)) {
      long workspace = algorithm.workspace(product);
      if (workspace <= wanted.maxWorkspace && found < room) {
        MemorySegment result =
            results.asSlice(
                found++ * CublasConstants.HEURISTIC_BYTES, CublasConstants.HEURISTIC_BYTES);
        algorithm.write(result);
        result.set(JAVA_LONG, CublasConstants.HEURISTIC_WORKSPACE_OFFSET, workspace);
        result.set(JAVA_INT, CublasConstants.HEURISTIC_STATUS_OFFSET, 0);
      }
    }
    return found;
  }

  @Override
  public int cublasLtMatmulAlgoConfigGetAttribute(MemorySegment algorithm, int attribute) {
    requireValid(LtAlgorithm.isAttribute(attribute), "no such attribute");
    return algorithm.get(JAVA_INT, attribute * 4L);
  }

  /** Returns the bytes that an algorithm needs for a product, which it must be able to compute. */
  private long workspace(MemorySegment algorithm, LtProduct product) {
    emulated(algorithm.address() != 0, () -> "a search within the product");
    LtAlgorithm read = LtAlgorithm.read(algorithm);
    requireValid(read.isInitialised(), "this is no algorithm");
    requireSupported(read.suits(product.k()), "no such split or reduction");
    return read.workspace(product);
  }

  private LtProduct product(
      long handle, long matmul, long aLayout, long bLayout, long cLayout, long dLayout) {
    object(Handle.class, handle);
    LtMatmul description = object(LtMatmul.class, matmul).copy();
    LtLayout a = object(LtLayout.class, aLayout);
    LtLayout b = object(LtLayout.class, bLayout);
    LtLayout c = object(LtLayout.class, cLayout);
    LtLayout d = object(LtLayout.class, dLayout);
    emulated(
        description.isEmulated()
            && a.hasEmulatedType()
            && b.hasEmulatedType()
            && c.hasEmulatedType()
            && d.hasEmulatedType(),
        () -> "transposes, compute type or types");
    long number = description.epilogue();
    LtEpilogue epilogue =
        LtEpilogue.of(number).orElseThrow(() -> notEmulated("epilogue " + number));
    LtProduct product = new LtProduct(description, epilogue, a, b, c, d);
    product.mismatch().ifPresent(reason -> requireValid(false, reason + " of " + product));
    requireSupported(
        !refusedEpilogues.contains((int) number), "no algorithm has epilogue " + epilogue);
    return product;
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
    LtProduct product = product(handle, matmul, aLayout, bLayout, cLayout, dLayout);
    requireValid(workspace(algorithm, product) <= workspaceBytes, "the workspace is too small");
    for (long pointer : new long[] {a, b, c, d, workspace}) {
      requireValid(
          pointer % ALIGNMENT == 0,
          "0x%x is not aligned to 256 bytes, which heuristics assume".formatted(pointer));
    }
    requireValid(product.hasBias(), "the epilogue lacks a pointer");
    boolean tf32 = product.matmul().tf32() && hasTf32();
    submit(
        stream,
        workspace,
        workspaceBytes,
        () ->
            product.run(
                arrays(),
                tf32,
                alpha,
                product.a().at(a, arrays()),
                product.b().at(b, arrays()),
                beta,
                product.c().at(c, arrays()),
                product.d().at(d, arrays())));
  }
}
