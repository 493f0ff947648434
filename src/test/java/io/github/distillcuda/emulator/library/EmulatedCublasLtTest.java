package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.emulator.library.LibraryFixture.assertFails;
import static io.github.distillcuda.emulator.library.LibraryFixture.assertNotEmulated;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each rule of native-notes/emulated-device.md that the emulated cublasLt enforces. */
class EmulatedCublasLtTest {
  private static final int M = 3;
  private static final int N = 2;
  private static final int K = 4;

  private final LibraryFixture fixture = new LibraryFixture();
  private CublasLtApi cublasLt = EmulatedCublasLt.on(fixture.device);
  private final Arena arena = Arena.ofConfined();
  private final float[] a = fixture.numbers(M * K);
  private final float[] b = fixture.numbers(K * N);
  private final float[] bias = {2, -3, 5};
  private long handle;
  private long matmul;
  private long aLayout;
  private long bLayout;
  private long dLayout;
  private long preference;
  private long deviceA;
  private long deviceB;

  @BeforeEach
  void open() {
    handle = cublasLt.cublasLtCreate();
    matmul =
        cublasLt.cublasLtMatmulDescCreate(
            CublasConstants.CUBLAS_COMPUTE_32F, CublasConstants.CUDA_R_32F);
    aLayout = layout(M, K);
    bLayout = layout(K, N);
    dLayout = layout(M, N);
    preference = cublasLt.cublasLtMatmulPreferenceCreate();
    deviceA = fixture.put(a);
    deviceB = fixture.put(b);
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private long layout(long rows, long columns) {
    return cublasLt.cublasLtMatrixLayoutCreate(CublasConstants.CUDA_R_32F, rows, columns, rows);
  }

  private void set(int attribute, int value) {
    cublasLt.cublasLtMatmulDescSetAttribute(matmul, attribute, arena.allocateFrom(JAVA_INT, value));
  }

  private void set(int attribute, long value) {
    cublasLt.cublasLtMatmulDescSetAttribute(
        matmul, attribute, arena.allocateFrom(JAVA_LONG, value));
  }

  private void epilogue(int epilogue, long biasAddress) {
    set(CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    set(CublasConstants.CUBLASLT_MATMUL_DESC_BIAS_POINTER, biasAddress);
  }

  private int search(MemorySegment results) {
    return cublasLt.cublasLtMatmulAlgoGetHeuristic(
        handle, matmul, aLayout, bLayout, dLayout, dLayout, preference, results);
  }

  private MemorySegment algorithm() {
    MemorySegment results = arena.allocate(CublasConstants.HEURISTIC_BYTES, 8);
    assertThat(search(results)).isEqualTo(1);
    return results.asSlice(0, CublasConstants.ALGORITHM_BYTES);
  }

  private void multiply(MemorySegment algorithm, long d, long workspaceBytes) {
    cublasLt.cublasLtMatmul(
        handle,
        matmul,
        1,
        deviceA,
        aLayout,
        deviceB,
        bLayout,
        0,
        d,
        dLayout,
        d,
        dLayout,
        algorithm,
        fixture.workspace,
        workspaceBytes,
        fixture.stream);
  }

  private float[] multiply() {
    long d = fixture.allocate(M * N);
    multiply(algorithm(), d, 0);
    return fixture.get(d);
  }

  /** The product, element by element. */
  private float[] product() {
    float[] product = new float[M * N];
    for (int j = 0; j < N; j++) {
      for (int i = 0; i < M; i++) {
        for (int l = 0; l < K; l++) {
          product[j * M + i] += a[l * M + i] * b[j * K + l];
        }
      }
    }
    return product;
  }

  private float[] biased() {
    float[] biased = product();
    for (int i = 0; i < biased.length; i++) {
      biased[i] += bias[i % M];
    }
    return biased;
  }

  private static float[] relu(float[] values) {
    float[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] = Math.max(result[i], 0);
    }
    return result;
  }

  @Test
  void aBiasRunsAlongTheRowsOfD() {
    assertThat(multiply()).containsExactly(product());
    epilogue(CublasConstants.CUBLASLT_EPILOGUE_BIAS, fixture.put(bias));
    assertThat(multiply()).containsExactly(biased());
    epilogue(CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS, fixture.put(bias));
    assertThat(multiply()).containsExactly(relu(biased()));
  }

  /** The columns of B, or its rows where it is transposed. */
  @Test
  void theGradientOfABiasIsASumOverK() {
    long gradient = fixture.allocate(N);
    epilogue(CublasConstants.CUBLASLT_EPILOGUE_BGRADB, gradient);
    float[] sums = new float[N];
    float[] transposed = new float[K * N];
    for (int j = 0; j < N; j++) {
      for (int l = 0; l < K; l++) {
        sums[j] += b[j * K + l];
        transposed[l * N + j] = b[j * K + l];
      }
    }
    assertThat(multiply()).containsExactly(product());
    assertThat(fixture.get(gradient)).containsExactly(sums);

    deviceB = fixture.put(transposed);
    bLayout = layout(N, K);
    set(CublasConstants.CUBLASLT_MATMUL_DESC_TRANSB, CublasConstants.CUBLAS_OP_T);
    long again = fixture.allocate(N);
    epilogue(CublasConstants.CUBLASLT_EPILOGUE_BGRADB, again);
    assertThat(multiply()).containsExactly(product());
    assertThat(fixture.get(again)).containsExactly(sums);
  }

  @Test
  void aTransposedFactorIsReadInRows() {
    float[] transposed = new float[M * K];
    for (int i = 0; i < M; i++) {
      for (int l = 0; l < K; l++) {
        transposed[i * K + l] = a[l * M + i];
      }
    }
    deviceA = fixture.put(transposed);
    aLayout = layout(K, M);
    set(CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA, CublasConstants.CUBLAS_OP_T);
    assertThat(multiply()).containsExactly(product());
  }

  @Test
  void splitsNeedAWorkspaceAndAReduction() {
    MemorySegment results = arena.allocate(3 * CublasConstants.HEURISTIC_BYTES, 8);
    assertThat(search(results)).as("no workspace allowed").isEqualTo(1);
    cublasLt.cublasLtMatmulPreferenceSetAttribute(
        preference,
        CublasConstants.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
        arena.allocateFrom(JAVA_LONG, 1 << 20));
    assertThat(search(results)).isEqualTo(3);
    cublasLt.cublasLtMatmulPreferenceSetAttribute(
        preference,
        CublasConstants.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        arena.allocateFrom(JAVA_INT, 2));
    assertThat(search(results)).isEqualTo(2);
    MemorySegment split = results.asSlice(0, CublasConstants.ALGORITHM_BYTES);
    long needed = results.get(JAVA_LONG, CublasConstants.HEURISTIC_WORKSPACE_OFFSET);
    assertThat(needed).isPositive();
    long d = fixture.allocate(M * N);
    assertFails(7, () -> multiply(split, d, needed - 1));
    multiply(split, d, needed);
    assertThat(fixture.get(d)).containsExactly(product());

    split.set(JAVA_INT, 4L * CublasConstants.CUBLASLT_ALGO_CONFIG_SPLITK_NUM, 1);
    assertFails(15, () -> multiply(split, d, needed));
    split.set(JAVA_INT, 4L * CublasConstants.CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, 0);
    multiply(split, d, 0);
    MemorySegment none = arena.allocate(CublasConstants.ALGORITHM_BYTES, 8);
    assertFails(7, () -> multiply(none, d, needed));
  }

  @Test
  void whatDoesNotFitIsRefused() {
    MemorySegment results = arena.allocate(CublasConstants.HEURISTIC_BYTES, 8);
    MemorySegment algorithm = algorithm();
    long d = fixture.allocate(256);
    assertFails(7, () -> multiply(algorithm, d + 16, 0));
    bLayout = layout(K + 1, N);
    assertFails(7, () -> search(results));
    bLayout = layout(K, N);
    epilogue(CublasConstants.CUBLASLT_EPILOGUE_BIAS, 0);
    assertFails(7, () -> multiply(algorithm, d, 0));
    epilogue(CublasConstants.CUBLASLT_EPILOGUE_BIAS, d);
    cublasLt = EmulatedCublasLt.on(fixture.device, CublasConstants.CUBLASLT_EPILOGUE_BIAS);
    assertFails(15, () -> search(results));
    epilogue(32, 0);
    assertNotEmulated("epilogue 32", () -> search(results));
    fixture.driver.cuCtxSetCurrent(0);
    assertFails(1, cublasLt::cublasLtCreate);
  }
}
