package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What the program adds to a launch on the host, measured against a driver that returns at once.
 * What NVIDIA's own driver takes comes on top, and only a GPU can tell.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LaunchBenchmark {
  /** What {@link #LAUNCH} is called with: any numbers, since nobody looks at them. */
  private static final long FUNCTION = 1;

  private static final long STREAM = 2;
  private static final long GRAPH = 3;
  private static final int ARGUMENTS = 12;

  private static final MethodHandle LAUNCH;
  private static final CudaDriverApi DRIVER;

  static {
    try {
      Path library = compile();
      DRIVER = CudaTestLibraries.only(library.getParent()).driver();
      // Constant, so that the compiler sees through it: nothing in Java can call faster.
      LAUNCH =
          SharedLibrary.open(library)
              .function(
                  "cuLaunchKernel",
                  FunctionDescriptor.of(
                      JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                      JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    } catch (IOException | InterruptedException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private MemorySegment arguments;

  /** Returns why this machine cannot run it. */
  public static Optional<String> missing() {
    try {
      new ProcessBuilder("gcc", "--version").start().destroy();
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of("gcc is not installed, which makes the driver that does nothing");
    }
  }

  private static Path compile() throws IOException, InterruptedException {
    StringBuilder source = new StringBuilder();
    for (CudaPrototype prototype : CudaFunctionTables.DRIVER) {
      // A callee may leave its arguments where they are.
      source.append(
          prototype.symbol().equals("cuDriverGetVersion")
              ? "int cuDriverGetVersion(int* version) { *version = 13000; return 0; }\n"
              : "int %s() { return 0; }\n".formatted(prototype.symbol()));
    }
    Path library = Files.createTempDirectory("launch-benchmark").resolve("libcuda.so.1");
    CudaStub.compile(library, source.toString());
    return library;
  }

  @Setup
  public void allocate() {
    arguments = Arena.global().allocate(ADDRESS, ARGUMENTS);
  }

  /** The floor: a downcall and nothing else. */
  @Benchmark
  public int bareDowncall() throws Throwable {
    return (int)
        LAUNCH.invokeExact(FUNCTION, 1, 1, 1, 256, 1, 1, 0, STREAM, arguments, MemorySegment.NULL);
  }

  /** The same as the program calls it: behind an interface, the result checked. */
  @Benchmark
  public void cuLaunchKernel() {
    DRIVER.cuLaunchKernel(FUNCTION, 1, 1, 1, 256, 1, 1, 0, STREAM, arguments);
  }

  /** A whole step, recorded before. */
  @Benchmark
  public void cuGraphLaunch() {
    DRIVER.cuGraphLaunch(GRAPH, STREAM);
  }
}
