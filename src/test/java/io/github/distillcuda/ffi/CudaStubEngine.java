package io.github.distillcuda.ffi;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * One of the interfaces, the Panama engine behind it, and below that a library that writes down its
 * calls.
 *
 * @param type the interface
 * @param table the functions of the library
 * @param stub the library
 * @param link makes the engine
 */
record CudaStubEngine(
    Class<?> type,
    List<CudaPrototype> table,
    CudaStub stub,
    BiFunction<CudaLinker, CudaLatch, ?> link) {
  /** The driver explains its results itself; these stand in for the functions that do. */
  private static final String EXPLAIN =
      """
      int cuGetErrorName(int error, const char** name) { *name = "CUDA_ERROR_OF_STUB"; return 0; }
      int cuGetErrorString(int error, const char** text) { *text = "says the stub"; return 0; }
      """;

  /** Host memory with room for four results of cuDNN or two of cublasLt. */
  static final MemorySegment MEMORY = Arena.global().allocate(192, 8);

  /** Builds the libraries and returns the engines of all interfaces. */
  static List<CudaStubEngine> all(Path folder) throws IOException, InterruptedException {
    List<CudaPrototype> driver = CudaFunctionTables.DRIVER;
    return List.of(
        new CudaStubEngine(
            CudaDriverApi.class,
            driver,
            CudaStub.compile(
                folder.resolve("driver.so"),
                CudaStub.echo(driver, "cuGetErrorName", "cuGetErrorString") + EXPLAIN),
            LinkedCudaDriver::new),
        echoing(folder, CudnnApi.class, CudaFunctionTables.CUDNN, LinkedCudnn::new),
        echoing(folder, CublasApi.class, CudaFunctionTables.CUBLAS, LinkedCublas::new),
        echoing(folder, CublasLtApi.class, CudaFunctionTables.CUBLASLT, LinkedCublasLt::new));
  }

  private static CudaStubEngine echoing(
      Path folder,
      Class<?> type,
      List<CudaPrototype> table,
      BiFunction<CudaLinker, CudaLatch, ?> link)
      throws IOException, InterruptedException {
    Path file = folder.resolve(type.getSimpleName() + ".so");
    return new CudaStubEngine(type, table, CudaStub.compile(file, CudaStub.echo(table)), link);
  }

  /** Returns a new engine whose library answers that all is well. */
  Object open() {
    return open(new CudaLatch());
  }

  /** The same with a latch. */
  Object open(CudaLatch latch) {
    stub.answer(0);
    return link.apply(CudaLinker.panama(stub.library()), latch);
  }

  /** All methods that call C. */
  List<Method> methods() {
    return Stream.of(type.getMethods())
        .filter(method -> !method.getName().equals("latch"))
        .sorted(Comparator.comparing(Method::getName))
        .toList();
  }

  CudaPrototype prototype(Method method) {
    return table.stream()
        .filter(prototype -> prototype.symbol().equals(method.getName()))
        .findFirst()
        .orElseThrow();
  }

  static Object[] anyArguments(Method method) {
    return Arrays.stream(method.getParameterTypes()).map(CudaStubEngine::anyArgument).toArray();
  }

  private static Object anyArgument(Class<?> type) {
    return switch (type.getSimpleName()) {
      case "int" -> 1;
      case "long" -> 1L;
      case "byte" -> (byte) 1;
      case "float" -> 1f;
      case "double" -> 1.0;
      case "String" -> "name";
      case "int[]" -> new int[1];
      case "long[]" -> new long[1];
      default -> MEMORY;
    };
  }

  static Object invoke(Object api, Method method, Object[] arguments) throws Throwable {
    try {
      // The engines are not public, the interfaces are.
      return method.invoke(api, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  @Override
  public String toString() {
    return type.getSimpleName();
  }
}
