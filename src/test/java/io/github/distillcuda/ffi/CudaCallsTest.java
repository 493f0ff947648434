package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import io.github.distillcuda.ffi.CudaPrototype.Result;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Calls every function of every interface through Panama, into libraries that a C compiler makes
 * here and that write down which function was called with what. That the tables are right is the
 * business of {@link CudaHeadersTest}; here it is that each method calls its function and no other,
 * with its arguments in their places, and checks the status.
 */
class CudaCallsTest {
  /** The driver explains its results itself; these stand in for the functions that do. */
  private static final String EXPLAIN =
      """
      int cuGetErrorName(int error, const char** name) { *name = "CUDA_ERROR_OF_STUB"; return 0; }
      int cuGetErrorString(int error, const char** text) { *text = "says the stub"; return 0; }
      """;

  /** Numbers from here on are addresses, which the stub writes in hexadecimal. */
  private static final long LOWEST_ADDRESS = 0x7fff_0000_0000L;

  private static final Arena ARENA = Arena.ofShared();

  /** Room for four results of cuDNN or two of cublasLt. */
  private static final MemorySegment MEMORY = ARENA.allocate(192, 8);

  @TempDir static Path folder;
  private static List<Engine> engines;

  /** An interface with its engine and the library below it. */
  private record Engine(
      Class<?> type,
      List<CudaPrototype> table,
      CudaStub stub,
      BiFunction<SharedLibrary, CudaLatch, ?> link) {
    Object open() {
      stub.answer(0);
      return link.apply(stub.library(), new CudaLatch());
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

    @Override
    public String toString() {
      return type.getSimpleName();
    }
  }

  @BeforeAll
  static void buildLibraries() throws Exception {
    String driver =
        CudaStub.echo(CudaFunctionTables.DRIVER, "cuGetErrorName", "cuGetErrorString") + EXPLAIN;
    engines =
        List.of(
            engine(CudaDriverApi.class, CudaFunctionTables.DRIVER, driver, PanamaCudaDriver::new),
            engine(CudnnApi.class, CudaFunctionTables.CUDNN, null, PanamaCudnn::new),
            engine(CublasApi.class, CudaFunctionTables.CUBLAS, null, PanamaCublas::new),
            engine(CublasLtApi.class, CudaFunctionTables.CUBLASLT, null, PanamaCublasLt::new));
  }

  private static Engine engine(
      Class<?> type,
      List<CudaPrototype> table,
      String source,
      BiFunction<SharedLibrary, CudaLatch, ?> link)
      throws Exception {
    String code = source == null ? CudaStub.echo(table) : source;
    return new Engine(
        type, table, CudaStub.compile(folder.resolve(type.getSimpleName() + ".so"), code), link);
  }

  @AfterAll
  static void freeMemory() {
    ARENA.close();
  }

  static List<Engine> engines() {
    return engines;
  }

  private static Engine engine(Class<?> type) {
    return engines.stream().filter(engine -> engine.type() == type).findFirst().orElseThrow();
  }

  // ---- Arguments and results

  @ParameterizedTest
  @MethodSource("engines")
  void plainMethodsPassTheirArgumentsInOrder(Engine engine) throws Throwable {
    Object api = engine.open();
    for (Method method : engine.methods()) {
      CudaPrototype prototype = engine.prototype(method);
      if (isPlain(method, prototype)) {
        Object[] arguments = arguments(prototype);
        Object result = invoke(api, method, arguments);
        assertThat(engine.stub().lastCall()).isEqualTo(echo(prototype, arguments));
        assertThat(result).as(method.getName()).isEqualTo(result(method, prototype));
      }
    }
  }

  @Test
  void theOtherMethodsOfTheDriverAddWhatCWants() {
    Engine engine = engine(CudaDriverApi.class);
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    String host = "0x%x".formatted(MEMORY.address());

    driver.cuMemcpyHtoD_v2(0x10, MEMORY);
    requireCall(engine, "cuMemcpyHtoD_v2 0x10 %s 192", host);
    driver.cuMemcpyDtoH_v2(MEMORY, 0x10);
    requireCall(engine, "cuMemcpyDtoH_v2 %s 0x10 192", host);
    driver.cuMemcpyHtoDAsync_v2(0x10, MEMORY, 0x20);
    requireCall(engine, "cuMemcpyHtoDAsync_v2 0x10 %s 192 0x20", host);
    driver.cuMemcpyDtoHAsync_v2(MEMORY, 0x10, 0x20);
    requireCall(engine, "cuMemcpyDtoHAsync_v2 %s 0x10 192 0x20", host);
    driver.cuMemsetD8Async(0x10, (byte) 0xff, 5, 0x20);
    requireCall(engine, "cuMemsetD8Async 0x10 255 5 0x20");

    MemorySegment pinned = driver.cuMemAllocHost_v2(4096);
    requireCall(engine, "cuMemAllocHost_v2 4096");
    assertThat(pinned.address()).isEqualTo(1001);
    assertThat(pinned.byteSize()).isEqualTo(4096);

    assertThat(driver.cuDeviceGetName(3)).isEmpty();
    assertThat(engine.stub().lastCall()).matches("cuDeviceGetName 0x\\w+ 256 3");
    assertThat(driver.cuModuleLoadDataEx(MEMORY, new int[] {5, 6}, new long[] {1, 2}))
        .isEqualTo(1001);
    assertThat(engine.stub().lastCall()).matches("cuModuleLoadDataEx " + host + " 2 0x\\w+ 0x\\w+");
    driver.cuLaunchKernel(0x10, 1, 2, 3, 4, 5, 6, 7, 0x20, MEMORY);
    requireCall(engine, "cuLaunchKernel 0x10 1 2 3 4 5 6 7 0x20 %s (nil)", host);
    assertThat(driver.cuGraphGetNodes(0x10)).isEmpty();
    assertThat(engine.stub().lastCall()).startsWith("cuGraphGetNodes 0x10 ");
  }

  @Test
  void theOtherMethodsOfTheLibrariesAddWhatCWants() {
    String host = "0x%x".formatted(MEMORY.address());
    Engine engine = engine(CudnnApi.class);
    CudnnApi cudnn = (CudnnApi) engine.open();
    assertThat(
            cudnn.cudnnFindConvolutionForwardAlgorithmEx(
                0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, MEMORY, 0x9, 10))
        .isEqualTo(1001);
    String find = " 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 4 %s 0x9 10";
    requireCall(engine, "cudnnFindConvolutionForwardAlgorithmEx" + find, host);
    cudnn.cudnnFindConvolutionBackwardDataAlgorithmEx(
        0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, MEMORY, 0x9, 10);
    requireCall(engine, "cudnnFindConvolutionBackwardDataAlgorithmEx" + find, host);
    cudnn.cudnnFindConvolutionBackwardFilterAlgorithmEx(
        0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, MEMORY, 0x9, 10);
    requireCall(engine, "cudnnFindConvolutionBackwardFilterAlgorithmEx" + find, host);
    assertThat(cudnn.cudnnGetVersion()).isEqualTo(4711);
    assertThat(cudnn.cudnnGetCudartVersion()).isEqualTo(4711);

    engine = engine(CublasApi.class);
    assertThat(((CublasApi) engine.open()).cublasGetVersion_v2()).isEqualTo(1001);
    requireCall(engine, "cublasGetVersion_v2 (nil)");

    engine = engine(CublasLtApi.class);
    CublasLtApi cublasLt = (CublasLtApi) engine.open();
    assertThat(cublasLt.cublasLtGetVersion()).isEqualTo(4711);
    cublasLt.cublasLtMatmulDescSetAttribute(0x1, 2, MEMORY);
    requireCall(engine, "cublasLtMatmulDescSetAttribute 0x1 2 %s 192", host);
    cublasLt.cublasLtMatmulPreferenceSetAttribute(0x1, 2, MEMORY);
    requireCall(engine, "cublasLtMatmulPreferenceSetAttribute 0x1 2 %s 192", host);
    assertThat(cublasLt.cublasLtMatmulAlgoGetHeuristic(0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, MEMORY))
        .isEqualTo(1001);
    requireCall(engine, "cublasLtMatmulAlgoGetHeuristic 0x1 0x2 0x3 0x4 0x5 0x6 0x7 2 %s", host);
    cublasLt.cublasLtMatmulAlgoConfigGetAttribute(MEMORY, 3);
    assertThat(engine.stub().lastCall())
        .matches("cublasLtMatmulAlgoConfigGetAttribute " + host + " 3 0x\\w+ 4");
    cublasLt.cublasLtMatmulAlgoConfigSetAttribute(MEMORY, 3, 77);
    assertThat(engine.stub().lastCall())
        .matches("cublasLtMatmulAlgoConfigSetAttribute " + host + " 3 0x\\w+ 4");
  }

  /** Every method is in one of the three tests above. */
  @Test
  void noMethodIsForgotten() {
    List<String> others = new ArrayList<>();
    for (Engine engine : engines) {
      for (Method method : engine.methods()) {
        if (!isPlain(method, engine.prototype(method))) {
          others.add(method.getName());
        }
      }
    }
    assertThat(others)
        .containsExactlyInAnyOrder(
            "cuDeviceGetName",
            "cuGraphGetNodes",
            "cuLaunchKernel",
            "cuMemAllocHost_v2",
            "cuMemcpyDtoHAsync_v2",
            "cuMemcpyDtoH_v2",
            "cuMemcpyHtoDAsync_v2",
            "cuMemcpyHtoD_v2",
            "cuMemsetD8Async",
            "cuModuleLoadDataEx",
            "cudnnFindConvolutionBackwardDataAlgorithmEx",
            "cudnnFindConvolutionBackwardFilterAlgorithmEx",
            "cudnnFindConvolutionForwardAlgorithmEx",
            "cudnnGetCudartVersion",
            "cudnnGetVersion",
            "cublasGetVersion_v2",
            "cublasLtGetVersion",
            "cublasLtMatmulAlgoConfigGetAttribute",
            "cublasLtMatmulAlgoConfigSetAttribute",
            "cublasLtMatmulAlgoGetHeuristic",
            "cublasLtMatmulDescSetAttribute",
            "cublasLtMatmulPreferenceSetAttribute");
  }

  // ---- Failures

  @ParameterizedTest
  @MethodSource("engines")
  void everyStatusIsChecked(Engine engine) {
    Object api = engine.open();
    for (Method method : engine.methods()) {
      if (engine.prototype(method).returns() == Result.STATUS) {
        engine.stub().answer(1);
        assertThatExceptionOfType(NativeException.class)
            .as(method.getName())
            .isThrownBy(() -> invoke(api, method, anyArguments(method)))
            .withMessageMatching(
                "\\Q%s\\E\\(.*\\) failed: (CUDA_ERROR_OF_STUB|some text) \\(1\\) .*"
                    .formatted(method.getName()))
            .satisfies(e -> assertThat(e.code()).isEqualTo(1));
      }
    }
  }

  @Test
  void aFailureShowsArgumentsByName() {
    Engine engine = engine(CudaDriverApi.class);
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    engine.stub().answer(2);
    assertThatThrownBy(() -> driver.cuMemAlloc_v2(4_294_967_296L))
        .hasMessage(
            "cuMemAlloc_v2(bytesize=4294967296) failed: CUDA_ERROR_OF_STUB (2) says the stub");
    assertThatThrownBy(() -> driver.cuLaunchKernel(0xf, 1, 2, 3, 4, 5, 6, 7, 0xa0, MEMORY))
        .hasMessage(
            "cuLaunchKernel(f=0xf, gridDimX=1, gridDimY=2, gridDimZ=3, blockDimX=4, blockDimY=5, "
                + "blockDimZ=6, sharedMemBytes=7, hStream=0xa0) failed: CUDA_ERROR_OF_STUB (2) "
                + "says the stub");
  }

  @Test
  void notReadyIsAnAnswer() {
    Engine engine = engine(CudaDriverApi.class);
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    engine.stub().answer(CudaConstants.CUDA_ERROR_NOT_READY);
    assertThat(driver.cuStreamQuery(0x1)).isFalse();
    assertThat(driver.cuEventQuery(0x1)).isFalse();
    engine.stub().answer(0);
    assertThat(driver.cuStreamQuery(0x1)).isTrue();
    assertThat(driver.cuEventQuery(0x1)).isTrue();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void nothingIsCalledOnceTheGpuIsLost(Engine engine) {
    CudaLatch latch = new CudaLatch();
    Object api = engine.link().apply(engine.stub().library(), latch);
    engine.stub().answer(0);
    RuntimeException loss =
        latch.driverFailure(
            new NativeException(
                "cuCtxSynchronize()", "CUDA_ERROR_LAUNCH_FAILED", 719, "unspecified"));
    assertThat(loss).isInstanceOf(DistillException.class).hasMessageContaining("(719)");
    int calls = engine.stub().calls();
    for (Method method : engine.methods()) {
      assertThatExceptionOfType(DistillException.class)
          .as(method.getName())
          .isThrownBy(() -> invoke(api, method, anyArguments(method)))
          .withMessageStartingWith(method.getName() + " was not called")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    }
    assertThat(engine.stub().calls()).isEqualTo(calls);
  }

  @Test
  void aStickyResultOfAnyDriverFunctionLosesTheGpu() {
    Engine engine = engine(CudaDriverApi.class);
    for (Method method : engine.methods()) {
      Object api = engine.open();
      engine.stub().answer(CudaConstants.CUDA_ERROR_ILLEGAL_ADDRESS);
      assertThatExceptionOfType(DistillException.class)
          .as(method.getName())
          .isThrownBy(() -> invoke(api, method, anyArguments(method)))
          .withMessageContaining(method.getName() + "(")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
      assertThat(((CudaDriverApi) api).latch().isLost()).isTrue();
    }
  }

  // ---- The hot path

  /** Launches must not feed the garbage collector; planning may. */
  @Test
  void aLaunchAllocatesNothingOnTheHeap() {
    Engine engine = engine(CudaDriverApi.class);
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    Runnable launches =
        () -> {
          for (int i = 0; i < 20_000; i++) {
            driver.cuLaunchKernel(0xf, 1, 2, 3, 4, 5, 6, 7, 0xa0, MEMORY);
            driver.cuGraphLaunch(0xf, 0xa0);
          }
        };
    // Compiled code decides: the interpreter boxes what passes a method handle.
    launches.run();
    launches.run();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    launches.run();
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    // One object a call would be 16 bytes at least, 640,000 in all.
    assertThat(allocated).isLessThan(64_000);
  }

  // ---- Calling by reflection

  /** Whether the Java parameters are the C inputs, one for one. */
  private static boolean isPlain(Method method, CudaPrototype prototype) {
    Object[] inputs = prototype.inputs().stream().map(CudaCallsTest::javaType).toArray();
    return prototype.returns() == Result.STATUS
        && method.getReturnType() != MemorySegment.class
        && Arrays.equals(method.getParameterTypes(), inputs);
  }

  private static Class<?> javaType(Parameter parameter) {
    return switch (parameter.type()) {
      case INT -> int.class;
      case LONG, POINTER -> long.class;
      case FLOAT, FLOAT_BY_ADDRESS -> float.class;
      case DOUBLE -> double.class;
      case MEMORY -> MemorySegment.class;
      case TEXT -> String.class;
    };
  }

  /** A distinct value for each input. */
  private static Object[] arguments(CudaPrototype prototype) {
    List<Parameter> inputs = prototype.inputs();
    Object[] arguments = new Object[inputs.size()];
    for (int i = 0; i < arguments.length; i++) {
      switch (inputs.get(i).type()) {
        case INT -> arguments[i] = 11 + i;
        case LONG -> arguments[i] = 0x7_0000_0000L + i;
        case POINTER -> arguments[i] = LOWEST_ADDRESS + i;
        case FLOAT, FLOAT_BY_ADDRESS -> arguments[i] = 0.5f + i;
        case DOUBLE -> arguments[i] = 0.25 + i;
        case MEMORY -> arguments[i] = MEMORY;
        case TEXT -> arguments[i] = "name" + i;
      }
    }
    return arguments;
  }

  /** A call as the stub writes it down. */
  private static String echo(CudaPrototype prototype, Object[] arguments) {
    StringBuilder echo = new StringBuilder(prototype.symbol());
    for (Object argument : arguments) {
      echo.append(' ').append(echo(argument));
    }
    return echo.toString();
  }

  private static String echo(Object argument) {
    return switch (argument) {
      case Long value when value >= LOWEST_ADDRESS -> "0x%x".formatted(value);
      case MemorySegment host -> "0x%x".formatted(host.address());
      default -> argument.toString();
    };
  }

  /** What the stub writes into the out parameters: 1001, 1002, and so on. */
  private static Object result(Method method, CudaPrototype prototype) {
    int outs = prototype.parameters().size() - prototype.inputs().size();
    IntStream values = IntStream.rangeClosed(1001, 1000 + outs);
    return switch (method.getReturnType().getSimpleName()) {
      case "int" -> 1001;
      case "long" -> 1001L;
      case "float" -> 1001f;
      case "int[]" -> values.toArray();
      case "long[]" -> values.asLongStream().toArray();
      case "boolean" -> true;
      case "void" -> null;
      default -> throw new AssertionError(method);
    };
  }

  private static Object[] anyArguments(Method method) {
    return Arrays.stream(method.getParameterTypes()).map(CudaCallsTest::anyArgument).toArray();
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

  private static Object invoke(Object api, Method method, Object[] arguments) throws Throwable {
    try {
      // The engines are not public, the interfaces are.
      return method.invoke(api, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static void requireCall(Engine engine, String format, Object... values) {
    assertThat(engine.stub().lastCall()).isEqualTo(format.formatted(values));
  }
}
