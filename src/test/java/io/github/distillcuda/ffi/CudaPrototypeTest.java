package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CudaPrototypeTest {
  @Test
  void aTableIsReadRowByRow() {
    List<CudaPrototype> table =
        CudaPrototype.parseTable(
            """
            first(int a, long b, pointer c, float d, double e, float* f, memory g,
                text h, out int i, out long j, out pointer k, out float l)

            returns long second()
            returns text third(int status)
            returns nothing fourth(memory message)
            """);
    assertThat(table)
        .extracting(CudaPrototype::symbol)
        .containsExactly("first", "second", "third", "fourth");
    assertThat(table)
        .extracting(CudaPrototype::descriptor)
        .containsExactly(
            FunctionDescriptor.of(
                JAVA_INT,
                JAVA_INT,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_FLOAT,
                JAVA_DOUBLE,
                ADDRESS,
                ADDRESS,
                ADDRESS,
                ADDRESS,
                ADDRESS,
                ADDRESS,
                ADDRESS),
            FunctionDescriptor.of(JAVA_LONG),
            FunctionDescriptor.of(ADDRESS, JAVA_INT),
            FunctionDescriptor.ofVoid(ADDRESS));
    assertThat(table.getFirst().inputs()).hasSize(8);
  }

  @Test
  void aFailureShowsInputsByNameAndAddressesInHexadecimal() {
    CudaPrototype prototype =
        CudaPrototype.parseTable(
                "copy(out int n, pointer target, memory source, long bytes, text why)")
            .getFirst();
    MemorySegment source = MemorySegment.ofAddress(0x1000);
    assertThat(prototype.show(0xabcL, source, 255L, "so"))
        .isEqualTo("copy(target=0xabc, source=0x1000:0, bytes=255, why=so)");
  }

  @Test
  void whatIsNoTableIsRefused() {
    Stream.of(
            "f(int)",
            "f(integer a)",
            "f(in int a)",
            "f(int a",
            "f(int a) g",
            "static f(int a)",
            "f(int a,)",
            "returns string f()")
        .forEach(
            text ->
                assertThatIllegalArgumentException()
                    .as(text)
                    .isThrownBy(() -> CudaPrototype.parseTable(text)));
  }

  @Test
  void noFunctionStandsInATableTwice() {
    for (List<CudaPrototype> table :
        List.of(
            CudaFunctionTables.DRIVER,
            CudaFunctionTables.CUDNN,
            CudaFunctionTables.CUBLAS,
            CudaFunctionTables.CUBLASLT)) {
      assertThat(table).extracting(CudaPrototype::symbol).doesNotHaveDuplicates();
    }
  }
}
