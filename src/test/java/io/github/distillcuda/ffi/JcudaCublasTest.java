package io.github.distillcuda.ffi;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.distillcuda.failure.DistillException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * JCublas in front of NVIDIA's real cuBLAS. It asks for version 12 by name and by the versions of
 * its symbols; where this machine has 13, a library that is built here carries those names and
 * jumps to 13's functions, which are the same.
 */
class JcudaCublasTest {
  /** Calls every function without a handle through both bindings and prints what came back. */
  static final class Calls {
    private Calls() {}

    /**
     * The process.
     *
     * @param arguments the folder of libcublas.so.12
     */
    public static void main(String[] arguments) {
      for (CudaBinding binding : CudaBinding.values()) {
        CublasApi cublas = CudaTestLibraries.only(binding, Path.of(arguments[0])).cublas();
        Stream.of(CublasApi.class.getMethods())
            .sorted(Comparator.comparing(Method::getName))
            .map(method -> method.getName() + ": " + outcome(cublas, method))
            .forEach(line -> System.out.println(binding + " " + line));
      }
    }

    private static String outcome(CublasApi cublas, Method method) {
      Object[] arguments = CudaStubEngine.anyArguments(method);
      if (arguments.length > 0) {
        arguments[0] = 0L;
      }
      try {
        Object result = CudaStubEngine.invoke(cublas, method, arguments);
        return result instanceof Long ? "a handle" : String.valueOf(result);
      } catch (Throwable t) {
        return t.getMessage();
      }
    }
  }

  @TempDir Path folder;

  @Test
  void jcublasCallsTheRealCublas() throws Exception {
    forwardingCublas12();
    CudaStub.Finished process =
        JcudaProcess.run(
            Calls.class, folder.resolve("cache"), List.of(), folder.resolve("12").toString());
    assertThat(process.exitStatus()).as(process.output()).isZero();
    List<String> jcuda = lines(process, "JCUDA ");
    assertThat(jcuda).containsExactlyElementsOf(lines(process, "PANAMA "));
    assertThat(jcuda).hasSize(CublasApi.class.getMethods().length);
    String noHandle = "(1) the library was not initialized";
    assertThat(jcuda)
        .anyMatch(line -> line.matches("cublasGetVersion_v2: 1[23]\\d{4}"))
        .anyMatch(line -> line.matches("cublasSgemm_v2: cublasSgemm_v2\\(handle=0x0, .*"))
        .filteredOn(line -> line.contains("CUBLAS_STATUS_NOT_INITIALIZED"))
        .allSatisfy(line -> assertThat(line).contains(noHandle));
  }

  /** On CUDA 13 there is nothing that JCublas could call, and the user is told. */
  @Test
  void cublas13IsCalledThroughPanama() {
    CudaLibraries libraries = CudaTestLibraries.ofThisMachine(CudaBinding.JCUDA);
    CublasApi cublas = realCublas(libraries);
    if (cublas.cublasGetVersion_v2() < 130_000) {
      abort("this machine has cuBLAS 12, which JCublas calls");
    }
    assertThat(libraries.notices())
        .singleElement()
        .asString()
        .startsWith(
            "cuBLAS is called through Panama, JCuda needs that of CUDA 12: libcublas.so.12");
    assertThat(cublas.cublasGetVersion_v2()).isBetween(130_000, 139_999);
  }

  private static CublasApi realCublas(CudaLibraries libraries) {
    try {
      return libraries.cublas();
    } catch (DistillException e) {
      return abort(e.getMessage() + CudaTestLibraries.HOW_TO);
    }
  }

  private static List<String> lines(CudaStub.Finished process, String binding) {
    return process
        .output()
        .lines()
        .filter(line -> line.startsWith(binding))
        .map(line -> line.substring(binding.length()))
        .toList();
  }

  /** Builds a libcublas.so.12 whose every function jumps to the one of the library found here. */
  private void forwardingCublas12() throws Exception {
    CudaLibraries libraries = CudaTestLibraries.ofThisMachine(CudaBinding.PANAMA);
    realCublas(libraries);
    String real = libraries.searches().getLast().location().orElseThrow();
    List<String> names = JcudaStubs.imports(folder, "JCublas2", "cublas");
    String source =
        """
        #include <dlfcn.h>
        static const char* names[] = { %s };
        __attribute__((visibility("hidden"))) void* functions[%d];
        __attribute__((constructor)) static void find(void) {
          void* real = dlopen("%s", RTLD_NOW | RTLD_LOCAL);
          for (int i = 0; i < %2$d; i++) functions[i] = dlsym(real, names[i]);
        }
        """
            .formatted(
                names.stream().map(name -> '"' + name + '"').collect(joining(", ")),
                names.size(),
                real);
    String jumps =
        IntStream.range(0, names.size())
            .mapToObj(
                i ->
                    "asm(\".text\\n.globl %1$s\\n.type %1$s, @function\\n%1$s: jmp *functions+%2$d(%%rip)\");\n"
                        .formatted(names.get(i), 8 * i))
            .collect(joining());
    Path cuda12 = Files.createDirectory(folder.resolve("12"));
    CudaStub.compileNamed(cuda12.resolve("libcublas.so.12"), source + jumps);
  }
}
