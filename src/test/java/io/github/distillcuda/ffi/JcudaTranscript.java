package io.github.distillcuda.ffi;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Calls every function through both bindings into the libraries of {@link JcudaStubs} and prints
 * what arrived there and what came back; a program for {@link JcudaProcess}. Its lines begin with
 * the binding, or with {@code allocated} for the bytes that 40,000 launches took from the Java
 * heap.
 */
final class JcudaTranscript {
  private static final MemorySegment MEMORY = CudaStubEngine.MEMORY;

  private JcudaTranscript() {}

  /**
   * The process.
   *
   * @param arguments the folder of the libraries
   */
  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    for (CudaBinding binding : CudaBinding.values()) {
      CudaLibraries libraries = CudaTestLibraries.only(binding, folder);
      CudaDriverApi driver = libraries.driver();
      print(binding, folder.resolve("libcuda.so.1"), CudaDriverApi.class, driver);
      print(binding, folder.resolve("libcudnn.so.9"), CudnnApi.class, libraries.cudnn());
      print(binding, folder.resolve("libcublas.so.12"), CublasApi.class, libraries.cublas());
      System.out.printf("%s notices %s%n", binding, libraries.notices());
      System.out.printf("%s allocated %d%n", binding, allocated(driver));
      printLoss(binding, folder.resolve("libcuda.so.1"), libraries, driver);
    }
  }

  private static void print(CudaBinding binding, Path library, Class<?> type, Object api) {
    CudaStub stub = CudaStub.of(library);
    List<Method> methods =
        Stream.of(type.getMethods())
            .filter(method -> !method.getName().equals("latch"))
            .sorted(Comparator.comparing(Method::getName))
            .toList();
    for (int status : new int[] {0, 1, CudaConstants.CUDA_ERROR_NOT_READY}) {
      stub.answer(status);
      for (Method method : methods) {
        // Some functions fill it.
        MEMORY.fill((byte) 0).setString(0, "image");
        String outcome = outcome(api, method);
        System.out.printf("%s %d %s -> %s%n", binding, status, stub.lastCall(), outcome);
      }
    }
    stub.answer(0);
  }

  private static String outcome(Object api, Method method) {
    try {
      return show(method, CudaStubEngine.invoke(api, method, arguments(method)));
    } catch (Throwable t) {
      return t.getMessage();
    }
  }

  /** A distinct value for each parameter. */
  private static Object[] arguments(Method method) {
    Class<?>[] types = method.getParameterTypes();
    Object[] arguments = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      arguments[i] =
          switch (types[i].getSimpleName()) {
            case "int" -> -11 - i;
            case "long" -> 0x7fff_0000_0000L + i;
            case "byte" -> (byte) -3;
            case "float" -> 0.5f + i;
            case "double" -> 0.25 + i;
            case "String" -> "name" + i;
            case "int[]" -> new int[] {5, 6};
            case "long[]" -> new long[] {0x7fff_0000_0051L, 0x52};
            default -> MEMORY;
          };
    }
    return arguments;
  }

  private static String show(Method method, Object result) {
    if (method.getName().startsWith("cudnnFind")) {
      return CudnnPerformance.read(MEMORY, (int) result).toString();
    }
    return switch (result) {
      case null -> "nothing";
      case int[] values -> Arrays.toString(values);
      case long[] values -> Arrays.toString(values);
      case MemorySegment memory -> "%x, %d bytes".formatted(memory.address(), memory.byteSize());
      default -> result.toString();
    };
  }

  /** Compiled code decides: the interpreter boxes what passes a method handle. */
  private static long allocated(CudaDriverApi driver) {
    launch(driver);
    launch(driver);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    launch(driver);
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  private static void launch(CudaDriverApi driver) {
    for (int i = 0; i < 20_000; i++) {
      driver.cuLaunchKernel(0xf, 1, 2, 3, 4, 5, 6, 7, 0xa0, MEMORY);
      driver.cuGraphLaunch(0xf, 0xa0);
    }
  }

  private static void printLoss(
      CudaBinding binding, Path library, CudaLibraries libraries, CudaDriverApi driver) {
    CudaStub stub = CudaStub.of(library);
    stub.answer(CudaConstants.CUDA_ERROR_ILLEGAL_ADDRESS);
    System.out.printf("%s lost: %s%n", binding, failure(driver::cuCtxSynchronize));
    stub.answer(0);
    int calls = stub.calls();
    System.out.printf("%s after: %s%n", binding, failure(() -> driver.cuGraphLaunch(1, 2)));
    System.out.printf("%s after: %s%n", binding, failure(() -> driver.cuMemFree_v2(1)));
    System.out.printf("%s after: %s%n", binding, failure(libraries::cudnn));
    System.out.printf("%s calls since: %d%n", binding, stub.calls() - calls);
  }

  private static String failure(Runnable call) {
    try {
      call.run();
      return "no failure";
    } catch (RuntimeException e) {
      return e.getMessage();
    }
  }
}
