package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What the program adds to a launch on the host, through Panama and through JNI, measured against a
 * driver that returns at once. What NVIDIA's own driver takes comes on top, and only a GPU can
 * tell.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LaunchBenchmark {
  /** Any numbers: nobody looks at them. */
  private static final long FUNCTION = 1;

  private static final long STREAM = 2;
  private static final long GRAPH = 3;
  private static final int ARGUMENTS = 12;

  private static final Path LIBRARY = compile();

  /** Constant, so that the compiler sees through it: nothing in Java can call faster. */
  private static final MethodHandle LAUNCH =
      SharedLibrary.open(LIBRARY)
          .function(
              "cuLaunchKernel",
              FunctionDescriptor.of(
                  JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                  JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));

  private final MemorySegment arguments = Arena.global().allocate(ADDRESS, ARGUMENTS);

  /** The driver as the program has it. */
  @State(Scope.Thread)
  public static class Driver {
    @Param public CudaBinding binding;

    private CudaDriverApi api;

    @Setup
    public void link() {
      api = CudaTestLibraries.only(binding, LIBRARY.getParent()).driver();
    }
  }

  /** Returns why this machine cannot run it. */
  public static Optional<String> missing() {
    for (String tool : List.of("gcc", "nm")) {
      try {
        new ProcessBuilder(tool, "--version").start().destroy();
      } catch (IOException e) {
        return Optional.of(tool + " is not installed, and makes the driver that does nothing");
      }
    }
    return Optional.empty();
  }

  private static Path compile() {
    try {
      Path folder = Files.createTempDirectory("launch-benchmark");
      Path library = folder.resolve("libcuda.so.1");
      // A callee may leave its arguments where they are.
      String source =
          Stream.concat(
                  CudaFunctionTables.DRIVER.stream().map(CudaPrototype::symbol),
                  JcudaStubs.imports(folder, "JCudaDriver", "cu").stream())
              .distinct()
              .filter(function -> !function.equals("cuDriverGetVersion"))
              .map("int %s() { return 0; }\n"::formatted)
              .collect(
                  joining(
                      "", "int cuDriverGetVersion(int* out) { *out = 12060; return 0; }\n", ""));
      CudaStub.compileNamed(library, source);
      return library;
    } catch (IOException | InterruptedException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** The floor: a downcall and nothing else. */
  @Benchmark
  public int bareDowncall() throws Throwable {
    return (int)
        LAUNCH.invokeExact(FUNCTION, 1, 1, 1, 256, 1, 1, 0, STREAM, arguments, MemorySegment.NULL);
  }

  /** The same as the program calls it: behind an interface, the result checked. */
  @Benchmark
  public void cuLaunchKernel(Driver driver) {
    driver.api.cuLaunchKernel(FUNCTION, 1, 1, 1, 256, 1, 1, 0, STREAM, arguments);
  }

  /** A whole step, recorded before. */
  @Benchmark
  public void cuGraphLaunch(Driver driver) {
    driver.api.cuGraphLaunch(GRAPH, STREAM);
  }
}
