package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.emulator.library.LibraryFixture.assertFails;
import static io.github.distillcuda.emulator.library.LibraryFixture.assertNotEmulated;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasConstants;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each rule of native-notes/emulated-device.md that the emulated cuBLAS enforces. */
class EmulatedCublasTest {
  private static final int M = 3;
  private static final int N = 4;
  private static final int K = 5;
  private static final int LD = 7;

  private final LibraryFixture fixture = new LibraryFixture();
  private final CublasApi cublas = EmulatedCublas.on(fixture.device);
  private long handle;

  @BeforeEach
  void open() {
    handle = cublas.cublasCreate_v2();
    cublas.cublasSetStream_v2(handle, fixture.stream);
    cublas.cublasSetWorkspace_v2(handle, fixture.workspace, LibraryFixture.WORKSPACE_BYTES);
  }

  /** Column-major, element by element, as the formula has it. */
  @Test
  void productsInAllFourOrientations() {
    float[] a = fixture.numbers(LD * LD);
    float[] b = fixture.numbers(LD * LD);
    float[] c = fixture.numbers(LD * LD);
    long deviceA = fixture.put(a);
    long deviceB = fixture.put(b);
    for (int opA = 0; opA <= 1; opA++) {
      for (int opB = 0; opB <= 1; opB++) {
        long deviceC = fixture.put(c);
        cublas.cublasSgemm_v2(
            handle, opA, opB, M, N, K, 2, deviceA, LD, deviceB, LD, -1, deviceC, LD);
        float[] expected = c.clone();
        for (int i = 0; i < M; i++) {
          for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int l = 0; l < K; l++) {
              sum +=
                  (opA == 0 ? a[l * LD + i] : a[i * LD + l])
                      * (opB == 0 ? b[j * LD + l] : b[l * LD + j]);
            }
            expected[j * LD + i] = 2 * sum - c[j * LD + i];
          }
        }
        assertThat(fixture.get(deviceC)).as("op %d, %d", opA, opB).containsExactly(expected);
      }
    }
  }

  @Test
  void aBetaOfZeroDoesNotReadWhatWasThere() {
    long a = fixture.put(1, 2, 3, 4);
    long c = fixture.allocate(4);
    cublas.cublasSgemm_v2(handle, 0, 0, 2, 2, 2, 1, a, 2, a, 2, 0, c, 2);
    assertThat(fixture.get(c)).containsExactly(7, 10, 15, 22);
    long unwritten = fixture.allocate(4);
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(
            () -> cublas.cublasSgemm_v2(handle, 0, 0, 2, 2, 2, 1, a, 2, a, 2, 1, unwritten, 2))
        .withMessageContaining("cublasSgemm_v2: ");
  }

  @Test
  void tf32RoundsFactorsToTenBits() {
    float third = 1 / 3f;
    long a = fixture.put(third);
    long one = fixture.put(1);
    long c = fixture.allocate(1);
    float rounded = Math.round(third * 4096) / 4096f; // 11 significant bits: 0.333251953125
    for (int mode : new int[] {0, 16, 3}) {
      cublas.cublasSetMathMode(handle, mode);
      cublas.cublasSgemm_v2(handle, 0, 0, 1, 1, 1, 1, a, 1, one, 1, 0, c, 1);
      assertThat(fixture.get(c)).containsExactly(mode == 3 ? rounded : third);
    }
    cublas.cublasSetMathMode(handle, 0);
    cublas.cublasGemmEx(handle, 0, 0, 1, 1, 1, 1, a, 0, 1, one, 0, 1, 0, c, 0, 1, 77, -1);
    assertThat(fixture.get(c)).containsExactly(rounded);
    float loses = 1229 / 4096f - 0x1p-24f; // to the nearest it is 1229/4096, cut off 1228/4096
    fixture.device.truncatingFactors();
    cublas.cublasGemmEx(
        handle, 0, 0, 1, 1, 1, 1, fixture.put(loses), 0, 1, one, 0, 1, 0, c, 0, 1, 77, -1);
    assertThat(fixture.get(c)).as("Hopper").containsExactly(1228 / 4096f);
    fixture.device.withComputeCapability(75);
    cublas.cublasGemmEx(handle, 0, 0, 1, 1, 1, 1, a, 0, 1, one, 0, 1, 0, c, 0, 1, 77, -1);
    assertThat(fixture.get(c)).as("before Ampere").containsExactly(third);
  }

  @Test
  void bfloat16IsReadAndWrittenRounded() {
    // 1.0 and 1.0078125, and in the upper halves 2.0 and 3.0
    long a = fixture.put(Float.intBitsToFloat(0x40003f80), Float.intBitsToFloat(0x40403f81));
    long c = fixture.allocate(1);
    int bf16 = CublasConstants.CUDA_R_16BF;
    // [1, 4] times its transpose: 1 + 4 + 1.0078125^2 + 9
    cublas.cublasGemmEx(handle, 0, 1, 1, 1, 4, 1, a, bf16, 1, a, bf16, 1, 0, c, 0, 1, 68, -1);
    assertThat(fixture.get(c)).containsExactly(15.01568603515625f);
    cublas.cublasGemmEx(handle, 0, 1, 1, 1, 4, 1, a, bf16, 1, a, bf16, 1, 0, c, bf16, 1, 68, -1);
    assertThat(fixture.bytes(c)[0]).isEqualTo((byte) 0x70); // 15.0, the nearest of 8 bits
    assertThat(fixture.bytes(c)[1]).isEqualTo((byte) 0x41);
  }

  @Test
  void aProductIsANodeOfARecording() {
    long a = fixture.put(1, 2, 3, 4);
    long c = fixture.put(0, 0, 0, 0);
    fixture.replay(3, () -> cublas.cublasSgemm_v2(handle, 0, 0, 2, 2, 2, 1, a, 2, a, 2, 1, c, 2));
    assertThat(fixture.get(c)).containsExactly(21, 30, 45, 66);
  }

  @Test
  void aRecordingNeedsAWorkspaceAndANewStreamTakesItAway() {
    long a = fixture.put(1);
    cublas.cublasSetStream_v2(handle, fixture.stream);
    cublas.cublasSgemm_v2(handle, 0, 0, 1, 1, 1, 1, a, 1, a, 1, 0, a, 1);
    assertNotEmulated(
        "without cublasSetWorkspace_v2",
        () ->
            fixture.replay(
                1, () -> cublas.cublasSgemm_v2(handle, 0, 0, 1, 1, 1, 1, a, 1, a, 1, 0, a, 1)));
  }

  @Test
  void whatLiesInTheWorkspaceIsLost() {
    long a = fixture.put(1);
    long shared = fixture.put(new float[64]);
    cublas.cublasSetWorkspace_v2(handle, shared, 256);
    cublas.cublasSgemm_v2(handle, 0, 0, 1, 1, 1, 1, a, 1, a, 1, 0, a, 1);
    assertThatExceptionOfType(EmulatorFault.class).isThrownBy(() -> fixture.get(shared));
  }

  @Test
  void whatDoesNotFitIsRefused() {
    long a = fixture.put(1, 2, 3, 4);
    assertFails(7, () -> cublas.cublasSgemm_v2(handle, 0, 0, 2, 2, 2, 1, a, 1, a, 2, 0, a, 2));
    assertFails(7, () -> cublas.cublasSgemm_v2(handle, 0, 0, -1, 2, 2, 1, a, 2, a, 2, 0, a, 2));
    assertFails(7, () -> cublas.cublasSetWorkspace_v2(handle, fixture.workspace + 64, 256));
    assertFails(
        15,
        () -> cublas.cublasGemmEx(handle, 0, 0, 1, 1, 1, 1, a, 14, 1, a, 0, 1, 0, a, 0, 1, 68, -1));
    assertFails(
        15,
        () ->
            cublas.cublasGemmEx(handle, 0, 0, 1, 1, 1, 1, a, 14, 1, a, 14, 1, 0, a, 0, 1, 77, -1));
    assertFails(1, () -> cublas.cublasSetMathMode(handle + 1, 0));
    assertNotEmulated(
        "compute type",
        () -> cublas.cublasGemmEx(handle, 0, 0, 1, 1, 1, 1, a, 0, 1, a, 0, 1, 0, a, 0, 1, 64, -1));
    assertNotEmulated(
        "op", () -> cublas.cublasSgemm_v2(handle, 2, 0, 1, 1, 1, 1, a, 1, a, 1, 0, a, 1));
    assertNotEmulated(
        "an empty matrix",
        () -> cublas.cublasSgemm_v2(handle, 0, 0, 0, 1, 1, 1, a, 1, a, 1, 0, a, 1));
    fixture.driver.cuCtxSetCurrent(0);
    assertFails(1, cublas::cublasCreate_v2);
  }

  @Test
  void anEndedHandleIsNoHandle() {
    cublas.cublasDestroy_v2(handle);
    assertFails(1, () -> cublas.cublasDestroy_v2(handle));
    assertThat(fixture.device.live()).doesNotContainValue("cublas");
  }
}
