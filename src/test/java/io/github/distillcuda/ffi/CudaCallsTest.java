package io.github.distillcuda.ffi;

import static io.github.distillcuda.ffi.CudaStubEngine.MEMORY;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import io.github.distillcuda.ffi.CudaPrototype.Result;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Calls every function of every interface through Panama, into libraries that a C compiler makes
 * here and that write down which function was called with what. That the tables are right is the
 * business of {@link CudaHeadersTest}; here it is that each method calls its function and no other,
 * with its arguments in their places.
 */
class CudaCallsTest {
  /** Numbers from here on are addresses, which the stub writes in hexadecimal. */
  private static final long LOWEST_ADDRESS = 0x7fff_0000_0000L;

  @TempDir static Path folder;
  private static List<CudaStubEngine> engines;

  @BeforeAll
  static void buildLibraries() throws Exception {
    engines = CudaStubEngine.all(folder);
  }

  static List<CudaStubEngine> engines() {
    return engines;
  }

  private static CudaStubEngine engine(Class<?> type) {
    return engines.stream().filter(engine -> engine.type() == type).findFirst().orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void plainMethodsPassTheirArgumentsInOrder(CudaStubEngine engine) throws Throwable {
    Object api = engine.open();
    for (Method method : engine.methods()) {
      CudaPrototype prototype = engine.prototype(method);
      if (isPlain(method, prototype)) {
        Object[] arguments = arguments(prototype);
        Object result = CudaStubEngine.invoke(api, method, arguments);
        assertThat(engine.stub().lastCall()).isEqualTo(echo(prototype, arguments));
        assertThat(result).as(method.getName()).isEqualTo(result(method, prototype));
      }
    }
  }

  @Test
  void theOtherMethodsOfTheDriverAddWhatCWants() {
    CudaStubEngine engine = engine(CudaDriverApi.class);
    CudaDriverApi driver = (CudaDriverApi) engine.open();
    String host = "0x%x".formatted(MEMORY.address());

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
    assertThat(driver.cuOccupancyMaxActiveClusters(0x10, 1, 2, 3)).isEqualTo(1001);
    assertThat(engine.stub().lastCall()).matches("cuOccupancyMaxActiveClusters 0x10 0x\\w+");
    assertThat(driver.cuGraphGetNodes(0x10)).isEmpty();
    assertThat(engine.stub().lastCall()).startsWith("cuGraphGetNodes 0x10 ");
  }

  @Test
  void theOtherMethodsOfTheLibrariesAddWhatCWants() {
    String host = "0x%x".formatted(MEMORY.address());
    CudaStubEngine engine = engine(CudnnApi.class);
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
  }

  /** Every method is in one of the three tests above. */
  @Test
  void noMethodIsForgotten() {
    List<String> others = new ArrayList<>();
    for (CudaStubEngine engine : engines) {
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
            "cuMemcpyHtoDAsync_v2",
            "cuMemsetD8Async",
            "cuModuleLoadDataEx",
            "cuOccupancyMaxActiveClusters",
            "cudnnFindConvolutionBackwardDataAlgorithmEx",
            "cudnnFindConvolutionBackwardFilterAlgorithmEx",
            "cudnnFindConvolutionForwardAlgorithmEx",
            "cudnnGetCudartVersion",
            "cudnnGetVersion",
            "cublasGetVersion_v2",
            "cublasLtGetVersion",
            "cublasLtMatmulAlgoConfigGetAttribute",
            "cublasLtMatmulAlgoGetHeuristic",
            "cublasLtMatmulDescSetAttribute",
            "cublasLtMatmulPreferenceSetAttribute");
  }

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

  private static void requireCall(CudaStubEngine engine, String format, Object... values) {
    assertThat(engine.stub().lastCall()).isEqualTo(format.formatted(values));
  }
}
