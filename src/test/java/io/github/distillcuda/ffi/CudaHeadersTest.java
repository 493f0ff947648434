package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import io.github.distillcuda.ffi.CudaPrototype.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compiles the tables against NVIDIA's own headers: a static assertion for each function says that
 * its parameters have the kinds that the table gives them. A wrong descriptor would corrupt memory
 * in silence, so the judge is the C++ compiler. The CUDA toolkit's headers are needed, and for
 * cuDNN and cuBLAS those beside their libraries.
 */
class CudaHeadersTest {
  /**
   * The kinds of parameters, a letter each: i up to 32 bits, l 64 bits, p pointer or 64 bits, f
   * float, d double, m pointer; upper case for a pointer to exactly such a value.
   */
  private static final String KINDS =
      """
      #include <type_traits>
      template <class T> constexpr char kind() {
        if constexpr (std::is_pointer_v<T>) return 'm';
        else if constexpr (std::is_same_v<T, float>) return 'f';
        else if constexpr (std::is_same_v<T, double>) return 'd';
        else if constexpr (std::is_void_v<T>) return 'v';
        else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
          return sizeof(T) == 8 ? 'l' : sizeof(T) == 4 ? 'i' : 'b';
        else return '?';
      }
      template <class T> constexpr bool is(char wanted) {
        constexpr char own = kind<T>();
        constexpr char target =
            own == 'm' ? kind<std::remove_cv_t<std::remove_pointer_t<T>>>() : '?';
        switch (wanted) {
          case 'i': return own == 'i' || own == 'b';
          case 'p': return own == 'm' || own == 'l';
          case 'I': return target == 'i';
          case 'L': return target == 'l';
          case 'P': return target == 'm' || target == 'l';
          case 'F': return target == 'f';
          default: return own == wanted;
        }
      }
      template <class R, class... P> constexpr bool has(R (*)(P...), char result, const char* kinds) {
        bool fits = is<R>(result);
        int i = 0;
        ((fits = fits && kinds[i] != 0 && is<P>(kinds[i]), i++), ...);
        return fits && kinds[i] == 0;
      }
      """;

  @TempDir Path folder;

  /** Without the internal version the names that headers replace by macros are not declared. */
  private static final String ALL_OF_CUDA_H =
      """
      #define __CUDA_API_VERSION_INTERNAL
      #include <cuda.h>
      """;

  /** In C++ the header overloads cublasGemmEx, of which one is exported; so it is read as C. */
  private static final String CUBLAS_AS_C =
      """
      #include <cuda_runtime.h>
      #include <cuda_fp16.h>
      #include <cuda_bf16.h>
      #undef __cplusplus
      extern "C" {
      #include <cublas_v2.h>
      }
      #define __cplusplus 201703L
      """;

  @Test
  void theDriversTableFitsCudaH() throws Exception {
    requireFits(CudaFunctionTables.DRIVER, "cuda.h", ALL_OF_CUDA_H);
  }

  @Test
  void cudnnsTableFitsItsHeaders() throws Exception {
    requireFits(CudaFunctionTables.CUDNN, "cudnn.h", "#include <cudnn.h>\n");
  }

  @Test
  void theTablesOfCublasFitTheirHeaders() throws Exception {
    requireFits(CudaFunctionTables.CUBLAS, "cublas_v2.h", CUBLAS_AS_C);
    requireFits(CudaFunctionTables.CUBLASLT, "cublasLt.h", "#include <cublasLt.h>\n");
  }

  @Test
  void theJudgeRefusesWrongTables() throws Exception {
    requireFits(
        CudaPrototype.parseTable("cuMemAlloc_v2(out pointer dptr, long bytesize)"),
        "cuda.h",
        ALL_OF_CUDA_H);
    for (String wrong :
        List.of(
            "cuMemAlloc_v2(out pointer dptr, int bytesize)",
            "cuMemAlloc_v2(pointer dptr)",
            "cuMemAlloc_v2(out pointer dptr, long bytesize, int more)",
            "cuMemAlloc_v2(out int dptr, long bytesize)",
            "cuMemAlloc(out pointer dptr, long bytesize)",
            "returns long cuMemAlloc_v2(out pointer dptr, long bytesize)")) {
      assertThat(compile(CudaPrototype.parseTable(wrong), "cuda.h", ALL_OF_CUDA_H))
          .as(wrong)
          .contains("error:");
    }
  }

  private void requireFits(List<CudaPrototype> table, String header, String includes)
      throws Exception {
    assertThat(compile(table, header, includes)).isEmpty();
  }

  /** Returns what the compiler says, nothing if all assertions hold. */
  private String compile(List<CudaPrototype> table, String header, String includes)
      throws Exception {
    List<Path> folders = CudaTestLibraries.headerFolders();
    assumeTrue(
        folders.stream().anyMatch(include -> Files.exists(include.resolve(header))),
        header + " was not found" + CudaTestLibraries.HOW_TO);
    String assertions =
        table.stream().map(CudaHeadersTest::assertion).collect(Collectors.joining("\n"));
    Path source = folder.resolve("table.cpp");
    Files.writeString(source, includes + KINDS + assertions + "\n");
    return CudaStub.run(
            Stream.concat(
                    Stream.of("g++", "-std=c++17", "-fsyntax-only", "-w", source.toString()),
                    folders.stream().map(include -> "-I" + include))
                .toArray(String[]::new))
        .output();
  }

  private static String assertion(CudaPrototype prototype) {
    String kinds =
        prototype.parameters().stream().map(CudaHeadersTest::kind).collect(Collectors.joining());
    char result =
        switch (prototype.returns()) {
          case STATUS -> 'i';
          case LONG -> 'l';
          case TEXT -> 'm';
          case NOTHING -> 'v';
        };
    return "static_assert(has(&%1$s, '%2$s', \"%3$s\"), \"%1$s\");"
        .formatted(prototype.symbol(), result, kinds);
  }

  private static String kind(Parameter parameter) {
    String kind =
        switch (parameter.type()) {
          case INT -> "i";
          case LONG -> "l";
          case POINTER -> "p";
          case FLOAT -> "f";
          case DOUBLE -> "d";
          case FLOAT_BY_ADDRESS, MEMORY, TEXT -> "m";
        };
    assertThat(parameter.out() && parameter.type() == Type.MEMORY).isFalse();
    return parameter.out() ? kind.toUpperCase(Locale.ROOT) : kind;
  }
}
