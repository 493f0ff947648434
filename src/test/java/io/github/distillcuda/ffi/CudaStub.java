package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import io.github.distillcuda.ffi.CudaPrototype.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Shared libraries made of C that a test writes, which stand in for NVIDIA's where there is no GPU.
 * They have no soname: a real library that looks for {@code libcuda.so.1} later must not find one.
 */
final class CudaStub {
  /** What a command printed on both outputs, and its exit status. */
  record Finished(int exitStatus, String output) {}

  private CudaStub() {}

  /** Compiles C to a shared library; skips the test where there is no C compiler. */
  static Path compile(Path library, String source) throws IOException, InterruptedException {
    Path file = Files.writeString(library.resolveSibling(library.getFileName() + ".c"), source);
    Finished gcc = run("gcc", "-w", "-shared", "-fPIC", "-o", library.toString(), file.toString());
    assertThat(gcc.output()).isEmpty();
    return library;
  }

  /** Runs a command; skips the test where it is not installed. */
  static Finished run(String... command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, command[0] + " is not installed");
      throw e;
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Finished(process.waitFor(), output);
  }

  /**
   * Returns C for every function of a table but for those named: each writes its name and arguments
   * where {@code stub_last_call} points, fills its out parameters with 1001, 1002, ... and returns
   * {@code stub_result}.
   */
  static String echo(List<CudaPrototype> table, String... except) {
    StringBuilder source =
        new StringBuilder(
            """
            #include <stdio.h>
            #include <string.h>
            char stub_last_call[2048];
            int stub_result;
            int stub_calls;
            """);
    for (CudaPrototype prototype : table) {
      if (!List.of(except).contains(prototype.symbol())) {
        source.append(echo(prototype));
      }
    }
    return source.toString();
  }

  private static String echo(CudaPrototype prototype) {
    List<String> parameters = new ArrayList<>();
    StringBuilder body = new StringBuilder();
    int outs = 0;
    for (Parameter parameter : prototype.parameters()) {
      String name = parameter.name();
      parameters.add(cType(parameter) + " " + name);
      if (parameter.out()) {
        body.append("*%s = %d;".formatted(name, 1001 + outs++));
      } else {
        body.append(
            switch (parameter.type()) {
              case INT -> print("%d", name);
              case LONG -> print("%ld", name);
              case POINTER -> print("%p", name);
              case FLOAT, DOUBLE -> print("%g", name);
              case FLOAT_BY_ADDRESS -> print("%g", "*" + name);
              case MEMORY -> print("%p", name);
              case TEXT -> print("%s", name);
            });
      }
    }
    String result =
        switch (prototype.returns()) {
          case STATUS -> "return stub_result;";
          case LONG -> "return 4711;";
          case TEXT -> "return \"some text\";";
          case NOTHING -> "";
        };
    return "%s %s(%s) { stub_calls++; char* end = stub_last_call; end += sprintf(end, \"%s\"); %s %s }\n"
        .formatted(
            prototype.returns() == Result.STATUS
                ? "int"
                : prototype.returns() == Result.LONG
                    ? "long"
                    : prototype.returns() == Result.TEXT ? "const char*" : "void",
            prototype.symbol(),
            String.join(", ", parameters),
            prototype.symbol(),
            body,
            result);
  }

  private static String print(String format, String value) {
    return "end += sprintf(end, \" %s\", %s);".formatted(format, value);
  }

  private static String cType(Parameter parameter) {
    String type =
        switch (parameter.type()) {
          case INT -> "int";
          case LONG -> "long";
          case POINTER -> parameter.out() ? "long" : "void*";
          case FLOAT -> "float";
          case DOUBLE -> "double";
          case FLOAT_BY_ADDRESS -> "const float*";
          case MEMORY -> "void*";
          case TEXT -> "const char*";
        };
    return parameter.out() ? type + "*" : type;
  }
}
