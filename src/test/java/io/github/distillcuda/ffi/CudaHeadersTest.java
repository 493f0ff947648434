package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import io.github.distillcuda.ffi.CudaPrototype.Type;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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
      #include <cuComplex.h>
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
      List<String> signature =
          CudaPrototype.parseTable(wrong).stream().map(CudaHeadersTest::signature).toList();
      assertThat(compile(signature, "cuda.h", ALL_OF_CUDA_H)).as(wrong).contains("error:");
    }
  }

  @Test
  void theConstantsAreThoseOfTheHeaders() throws Exception {
    requireHolds(constants(CudaConstants.class), "cuda.h", ALL_OF_CUDA_H);
    requireHolds(constants(CudnnConstants.class), "cudnn.h", "#include <cudnn.h>\n");
    requireHolds(constants(CublasConstants.class), "cublasLt.h", "#include <cublasLt.h>\n");
  }

  @Test
  void theStructuresAreThoseOfTheHeaders() throws Exception {
    for (String direction : List.of("Fwd", "BwdData", "BwdFilter")) {
      String structure = "cudnnConvolution" + direction + "AlgoPerf_t";
      requireHolds(
          List.of(
              "sizeof(%s) == %d".formatted(structure, CudnnPerformance.BYTES),
              "offsetof(%s, status) == 4".formatted(structure),
              "offsetof(%s, time) == 8".formatted(structure),
              "offsetof(%s, memory) == 16".formatted(structure),
              "offsetof(%s, determinism) == 24".formatted(structure),
              "offsetof(%s, mathType) == 28".formatted(structure)),
          "cudnn.h",
          "#include <cudnn.h>\n");
    }
    String result = "cublasLtMatmulHeuristicResult_t";
    requireHolds(
        List.of(
            "sizeof(cublasLtMatmulAlgo_t) == " + CublasConstants.ALGORITHM_BYTES,
            "sizeof(%s) == %d".formatted(result, CublasConstants.HEURISTIC_BYTES),
            "offsetof(%s, algo) == 0".formatted(result),
            "offsetof(%s, workspaceSize) == %d"
                .formatted(result, CublasConstants.HEURISTIC_WORKSPACE_OFFSET),
            "offsetof(%s, state) == %d".formatted(result, CublasConstants.HEURISTIC_STATUS_OFFSET)),
        "cublasLt.h",
        "#include <cublasLt.h>\n");
  }

  @Test
  void aLaunchToBeJudgedIsLaidOutAsInCudaH() throws Exception {
    String launch = "CUlaunchConfig";
    requireHolds(
        List.of(
            "sizeof(%s) == %d".formatted(launch, CudaLaunchConfig.BYTES),
            "offsetof(%s, gridDimX) == %d".formatted(launch, CudaLaunchConfig.GRID_OFFSET),
            "offsetof(%s, blockDimX) == %d".formatted(launch, CudaLaunchConfig.BLOCK_OFFSET),
            "offsetof(%s, sharedMemBytes) == %d"
                .formatted(launch, CudaLaunchConfig.SHARED_BYTES_OFFSET)),
        "cuda.h",
        ALL_OF_CUDA_H);
  }

  /** The latch's list against the sentence of cuda.h that says what such an error means. */
  @Test
  void whatCudaHCallsTheEndOfTheProcessIsSticky() throws Exception {
    String header = Files.readString(headerFile("cuda.h"));
    Matcher error =
        Pattern.compile(
                "/\\*\\*((?:(?!\\*/).)*)\\*/\\s*CUDA_ERROR_(\\w+)\\s*=\\s*(\\d+)", Pattern.DOTALL)
            .matcher(header);
    int terminal = 0;
    while (error.find()) {
      String comment = error.group(1).replaceAll("[\\s*]+", " ");
      if (comment.contains("must be terminated and relaunched")) {
        terminal++;
        assertThat(CudaLatch.isSticky(Integer.parseInt(error.group(3))))
            .as(error.group(2))
            .isTrue();
      }
    }
    assertThat(terminal).isGreaterThan(8);
  }

  private static List<String> constants(Class<?> constants) throws IllegalAccessException {
    List<String> equalities = new ArrayList<>();
    for (Field field : constants.getFields()) {
      if (field.getType() == int.class) {
        equalities.add(field.getName() + " == " + field.getInt(null));
      }
    }
    return equalities;
  }

  private void requireFits(List<CudaPrototype> table, String header, String includes)
      throws Exception {
    requireHolds(table.stream().map(CudaHeadersTest::signature).toList(), header, includes);
  }

  private void requireHolds(List<String> conditions, String header, String includes)
      throws Exception {
    assertThat(compile(conditions, header, includes)).isEmpty();
  }

  /** Returns what the compiler says, nothing if all conditions hold. */
  private String compile(List<String> conditions, String header, String includes) throws Exception {
    headerFile(header);
    StringBuilder source = new StringBuilder("#include <cstddef>\n" + includes + KINDS);
    for (String condition : conditions) {
      source.append("static_assert(%s, \"\");\n".formatted(condition));
    }
    Path file = Files.writeString(folder.resolve("table.cpp"), source);
    List<String> command = new ArrayList<>();
    command.addAll(List.of("g++", "-std=c++17", "-fsyntax-only", "-w", file.toString()));
    for (Path include : CudaTestLibraries.headerFolders()) {
      command.add("-I" + include);
    }
    return CudaStub.run(command).output();
  }

  private static Path headerFile(String header) {
    Optional<Path> file =
        CudaTestLibraries.headerFolders().stream()
            .map(include -> include.resolve(header))
            .filter(Files::exists)
            .findFirst();
    assumeTrue(file.isPresent(), header + " was not found" + CudaTestLibraries.HOW_TO);
    return file.orElseThrow();
  }

  private static String signature(CudaPrototype prototype) {
    String kinds =
        prototype.parameters().stream().map(CudaHeadersTest::kind).collect(Collectors.joining());
    char result =
        switch (prototype.returns()) {
          case STATUS -> 'i';
          case LONG -> 'l';
          case TEXT -> 'm';
          case NOTHING -> 'v';
        };
    return "has(&%s, '%s', \"%s\")".formatted(prototype.symbol(), result, kinds);
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
