package io.github.distillcuda.emulator.library;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.CudaLibraries;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * What cublasLt's descriptions take and refuse: the emulation and, where it is, the library itself.
 * They take nearly anything; what does not fit is found out by whoever uses them.
 */
class CublasLtDescriptorTest {
  abstract static class Rules {
    abstract CublasLtApi cublasLt();

    private static void assertStatus(int expected, String what, Runnable call) {
      int status = 0;
      try {
        call.run();
      } catch (NativeException e) {
        status = e.code();
      }
      assertThat(status).as(what).isEqualTo(expected);
    }

    @Test
    void attributesHaveOneSize() {
      long matmul = cublasLt().cublasLtMatmulDescCreate(68, 0);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment four = arena.allocateFrom(JAVA_INT, 1);
        MemorySegment eight = arena.allocateFrom(JAVA_LONG, 128);
        for (int attribute : new int[] {3, 4, 7}) {
          matmul(0, matmul, attribute, four);
          matmul(7, matmul, attribute, eight);
        }
        matmul(0, matmul, 8, eight);
        matmul(7, matmul, 8, four);
        matmul(7, matmul, 99, four);
        matmul(7, matmul, -1, four);
        matmul(7, 0, 3, four);
      }
      cublasLt().cublasLtMatmulDescDestroy(matmul);
    }

    private void matmul(int expected, long matmul, int attribute, MemorySegment value) {
      assertStatus(
          expected,
          "attribute %d of %d bytes".formatted(attribute, value.byteSize()),
          () -> cublasLt().cublasLtMatmulDescSetAttribute(matmul, attribute, value));
    }

    @Test
    void valuesAreNotLookedAt() {
      long matmul = cublasLt().cublasLtMatmulDescCreate(99, 99);
      try (Arena arena = Arena.ofConfined()) {
        matmul(
            0,
            matmul,
            CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA,
            arena.allocateFrom(JAVA_INT, 9));
        matmul(
            0,
            matmul,
            CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE,
            arena.allocateFrom(JAVA_INT, 9999));
      }
      cublasLt().cublasLtMatmulDescDestroy(matmul);
      for (long[] layout :
          new long[][] {{0, 64, 128, 63}, {0, 0, 1, 1}, {0, 64, 128, -1}, {99, 64, 128, 64}}) {
        cublasLt()
            .cublasLtMatrixLayoutDestroy(
                cublasLt()
                    .cublasLtMatrixLayoutCreate((int) layout[0], layout[1], layout[2], layout[3]));
      }
    }

    @Test
    void preferencesHaveOneSize() {
      long preference = cublasLt().cublasLtMatmulPreferenceCreate();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment four = arena.allocateFrom(JAVA_INT, 3);
        MemorySegment eight = arena.allocateFrom(JAVA_LONG, 1 << 20);
        preference(0, preference, 1, eight);
        preference(7, preference, 1, four);
        preference(0, preference, 3, four);
        preference(7, preference, 3, eight);
        preference(7, preference, 99, four);
      }
      cublasLt().cublasLtMatmulPreferenceDestroy(preference);
    }

    private void preference(int expected, long preference, int attribute, MemorySegment value) {
      assertStatus(
          expected,
          "preference %d of %d bytes".formatted(attribute, value.byteSize()),
          () -> cublasLt().cublasLtMatmulPreferenceSetAttribute(preference, attribute, value));
    }

    @Test
    void anAlgorithmIsAskedForFourOfItsNumbers() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment algorithm = arena.allocate(CublasConstants.ALGORITHM_BYTES, 8);
        for (int attribute = 0; attribute <= 3; attribute++) {
          algorithm(0, algorithm, attribute);
        }
        algorithm(7, algorithm, 99);
        algorithm(7, algorithm, -1);
      }
    }

    private void algorithm(int expected, MemorySegment algorithm, int attribute) {
      assertStatus(
          expected,
          "attribute %d of an algorithm".formatted(attribute),
          () -> cublasLt().cublasLtMatmulAlgoConfigGetAttribute(algorithm, attribute));
    }

    @Test
    void nullMayBeDestroyed() {
      cublasLt().cublasLtMatmulDescDestroy(0);
      cublasLt().cublasLtMatrixLayoutDestroy(0);
      cublasLt().cublasLtMatmulPreferenceDestroy(0);
    }
  }

  @Nested
  class Emulated extends Rules {
    private final CublasLtApi cublasLt = EmulatedCublasLt.on(new EmulatedDevice());

    @Override
    CublasLtApi cublasLt() {
      return cublasLt;
    }
  }

  @Nested
  class Real extends Rules {
    private CublasLtApi cublasLt;

    @Override
    CublasLtApi cublasLt() {
      if (cublasLt == null) {
        cublasLt = RealLibrary.open(CudaLibraries::cublasLt);
      }
      return cublasLt;
    }
  }
}
