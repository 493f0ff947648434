package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A shared library made of C that a test writes, which stands in for one of NVIDIA's where there is
 * no GPU. It has no soname, unless the test runs in a process of its own: a real library that looks
 * for {@code libcuda.so.1} later must not find this one.
 */
public final class CudaStub {
  /** What a command printed on both outputs, and its exit status. */
  record Finished(int exitStatus, String output) {}

  private static final int CALL_BYTES = 2048;

  private final Path file;

  private CudaStub(Path file) {
    this.file = file;
  }

  /** Compiles C to a shared library; skips the test where there is no C compiler. */
  public static CudaStub compile(Path file, String source, Path... needed)
      throws IOException, InterruptedException {
    return compile(file, source, Stream.of(needed).map(Path::toString).toArray(String[]::new));
  }

  /**
   * Compiles C to a shared library whose soname is its file name, as NVIDIA's have, and whose
   * symbols carry that name as their version, as those of cuDNN and cuBLAS do; skips the test where
   * there is no C compiler.
   */
  static CudaStub compileNamed(Path file, String source) throws IOException, InterruptedException {
    Path versions =
        Files.writeString(
            file.resolveSibling(file.getFileName() + ".map"),
            "%s { global: *; };".formatted(file.getFileName()));
    return compile(
        file,
        source,
        new String[] {"-Wl,-soname," + file.getFileName(), "-Wl,--version-script=" + versions});
  }

  private static CudaStub compile(Path file, String source, String[] options)
      throws IOException, InterruptedException {
    Path code = Files.writeString(file.resolveSibling(file.getFileName() + ".c"), source);
    List<String> command = new ArrayList<>();
    command.addAll(List.of("gcc", "-w", "-shared", "-fPIC", "-o", file.toString()));
    command.add(code.toString());
    command.addAll(List.of(options));
    assertThat(run(command).output()).isEmpty();
    return new CudaStub(file);
  }

  /** Returns a library that was compiled before, perhaps by another process. */
  static CudaStub of(Path file) {
    return new CudaStub(file);
  }

  /** Runs a command; skips the test where it is not installed. */
  static Finished run(List<String> command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, command.getFirst() + " is not installed");
      throw e;
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Finished(process.waitFor(), output);
  }

  SharedLibrary library() {
    return SharedLibrary.open(file);
  }

  /** Returns the last call of an {@link #echo} library: name and arguments, separated by blanks. */
  String lastCall() {
    return data("stub_last_call", CALL_BYTES).getString(0);
  }

  /** Returns how many functions of an {@link #echo} library were called so far. */
  int calls() {
    return data("stub_calls", JAVA_INT.byteSize()).get(JAVA_INT, 0);
  }

  /** Sets the status that the functions of an {@link #echo} library return. */
  void answer(int status) {
    data("stub_status", JAVA_INT.byteSize()).set(JAVA_INT, 0, status);
  }

  @SuppressWarnings("restricted")
  private MemorySegment data(String symbol, long byteSize) {
    return SymbolLookup.libraryLookup(file, Arena.global())
        .findOrThrow(symbol)
        .reinterpret(byteSize);
  }

  /**
   * Returns C for the functions of a table but for those named: each writes down its name and
   * arguments, fills its out parameters with 1001, 1002 and so on, and returns a status.
   */
  static String echo(List<CudaPrototype> table, String... except) {
    StringBuilder source =
        new StringBuilder(
            """
            #include <stdio.h>
            char stub_last_call[%d];
            int stub_status;
            int stub_calls;
            """
                .formatted(CALL_BYTES));
    for (CudaPrototype prototype : table) {
      if (!List.of(except).contains(prototype.symbol())) {
        source.append(function(prototype));
      }
    }
    return source.toString();
  }

  private static String function(CudaPrototype prototype) {
    List<String> parameters = new ArrayList<>();
    StringBuilder statements = new StringBuilder();
    int outs = 0;
    for (Parameter parameter : prototype.parameters()) {
      String name = parameter.name();
      parameters.add(cType(parameter) + name);
      statements.append(
          parameter.out() ? "*%s = %d; ".formatted(name, 1001 + outs++) : print(parameter));
    }
    String signature = "%s(%s)".formatted(prototype.symbol(), String.join(", ", parameters));
    String body =
        "stub_calls++; char* end = stub_last_call + sprintf(stub_last_call, \"%s\"); %s"
            .formatted(prototype.symbol(), statements);
    return switch (prototype.returns()) {
      case STATUS -> "int %s { %s return stub_status; }\n".formatted(signature, body);
      case LONG -> "long %s { return 4711; }\n".formatted(signature);
      case TEXT -> "const char* %s { return \"some text\"; }\n".formatted(signature);
      case NOTHING -> "void %s { }\n".formatted(signature);
    };
  }

  private static String print(Parameter parameter) {
    String name = parameter.name();
    return switch (parameter.type()) {
      case INT -> print("%d", name);
      case LONG -> print("%ld", name);
      case POINTER, MEMORY -> print("%p", name);
      case FLOAT, DOUBLE -> print("%g", name);
      case FLOAT_BY_ADDRESS -> print("%g", "*" + name);
      case TEXT -> print("%s", name);
    };
  }

  private static String print(String format, String value) {
    return "end += sprintf(end, \" %s\", %s); ".formatted(format, value);
  }

  private static String cType(Parameter parameter) {
    String type =
        switch (parameter.type()) {
          case INT -> "int ";
          case LONG -> "long ";
          case POINTER -> parameter.out() ? "long " : "void* ";
          case FLOAT -> "float ";
          case DOUBLE -> "double ";
          case FLOAT_BY_ADDRESS -> "const float* ";
          case MEMORY -> "void* ";
          case TEXT -> "const char* ";
        };
    return parameter.out() ? type + "*" : type;
  }
}
