package io.github.distillcuda.ffi;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Stand-ins for the driver, cuDNN 9 and cuBLAS 12, under their names, that JCuda's native code
 * takes for the real ones. They write down their calls; the driver has every function that JCuda
 * asks for and serves CUDA 12.6.
 */
final class JcudaStubs {
  /**
   * Where the bindings pass copies, these write down what is in them. Every graph has two nodes.
   */
  private static final String DRIVER =
      """
      #include <string.h>
      int cuDriverGetVersion(int* version) { *version = 12060; return 0; }
      int cuGetErrorName(int error, const char** name) { *name = "CUDA_ERROR_OF_STUB"; return 0; }
      int cuGetErrorString(int error, const char** text) { *text = "says the stub"; return 0; }
      int cuDeviceGetName(char* name, int length, int device) {
        stub_calls++;
        sprintf(stub_last_call, "cuDeviceGetName %d %d", length, device);
        strcpy(name, "GPU of the stub");
        return stub_status;
      }
      int cuModuleLoadDataEx(void** module, const char* image, unsigned count, int* options,
          void** values) {
        stub_calls++;
        char* end = stub_last_call + sprintf(stub_last_call, "cuModuleLoadDataEx %p %s", image, image);
        for (unsigned i = 0; i < count; i++) {
          end += sprintf(end, " %d=%p", options[i], values[i]);
        }
        *module = (void*) 0x1001;
        return stub_status;
      }
      int cuOccupancyMaxActiveClusters(int* clusters, void* function, const int* config) {
        stub_calls++;
        sprintf(stub_last_call, "cuOccupancyMaxActiveClusters %p %d %d %d, %d %d %d, %d", function,
            config[0], config[1], config[2], config[3], config[4], config[5], config[6]);
        *clusters = 8;
        return stub_status;
      }
      int cuGraphGetNodes(void* graph, void** nodes, size_t* count) {
        stub_calls++;
        char* end = stub_last_call + sprintf(stub_last_call, "cuGraphGetNodes %p", graph);
        if (nodes) {
          sprintf(end, " room for %ld", *count);
          nodes[0] = (void*) 0x11;
          nodes[1] = (void*) 0x7fff00000022;
        }
        *count = 2;
        return stub_status;
      }
      """;

  private static final Set<String> DRIVER_BY_HAND =
      Set.of(
          "cuDriverGetVersion",
          "cuGetErrorName",
          "cuGetErrorString",
          "cuDeviceGetName",
          "cuModuleLoadDataEx",
          "cuOccupancyMaxActiveClusters",
          "cuGraphGetNodes");

  /** The same for what cuDNN measures; of the room for four results it fills two. */
  private static final String CUDNN =
      """
      struct performance {
        int algo, status; float time; size_t memory; int determinism, mathType, reserved[3];
      };
      #define FIND(function) \\
        int function(void* handle, void* a, void* b, void* c, void* d, void* e, void* f, void* g, \\
            int requested, int* returned, struct performance* results, void* workspace, \\
            size_t bytes) { \\
          stub_calls++; \\
          sprintf(stub_last_call, #function " %p %p %p %p %p %p %p %p %d %p %ld", \\
              handle, a, b, c, d, e, f, g, requested, workspace, bytes); \\
          struct performance first = { 7, 0, 0.25f, 5000000000, 1, 3 }; \\
          struct performance second = { 2, 3000, -1.0f, 16, 0, 1 }; \\
          results[0] = first; \\
          results[1] = second; \\
          *returned = 2; \\
          return stub_status; \\
        }
      FIND(cudnnFindConvolutionForwardAlgorithmEx)
      FIND(cudnnFindConvolutionBackwardDataAlgorithmEx)
      FIND(cudnnFindConvolutionBackwardFilterAlgorithmEx)
      """;

  private static final Set<String> CUDNN_BY_HAND =
      Set.of(
          "cudnnFindConvolutionForwardAlgorithmEx",
          "cudnnFindConvolutionBackwardDataAlgorithmEx",
          "cudnnFindConvolutionBackwardFilterAlgorithmEx");

  private JcudaStubs() {}

  /** Builds the three libraries. */
  static void build(Path folder) throws IOException, InterruptedException {
    CudaStub.compileNamed(
        folder.resolve("libcuda.so.1"),
        CudaStub.echo(CudaFunctionTables.DRIVER, DRIVER_BY_HAND.toArray(String[]::new))
            + DRIVER
            + unused(imports(folder, "JCudaDriver", "cu"), CudaFunctionTables.DRIVER));
    CudaStub.compileNamed(
        folder.resolve("libcudnn.so.9"),
        CudaStub.echo(CudaFunctionTables.CUDNN, CUDNN_BY_HAND.toArray(String[]::new)) + CUDNN);
    CudaStub.compileNamed(
        folder.resolve("libcublas.so.12"),
        CudaStub.echo(CudaFunctionTables.CUBLAS)
            + unused(imports(folder, "JCublas2", "cublas"), CudaFunctionTables.CUBLAS));
  }

  /** Functions that JCuda asks for and our tables do not have. */
  private static String unused(List<String> names, List<CudaPrototype> table) {
    Set<String> used = table.stream().map(CudaPrototype::symbol).collect(Collectors.toSet());
    return names.stream()
        .filter(name -> !used.contains(name))
        .map("int %s(void) { return 0; }\n"::formatted)
        .collect(Collectors.joining());
  }

  /**
   * Returns the functions that a library of JCuda asks NVIDIA's for; skips the test where nm is not
   * installed.
   *
   * @param prefix of their names
   */
  static List<String> imports(Path folder, String jcuda, String prefix)
      throws IOException, InterruptedException {
    String name = "lib" + jcuda + "-12.6.0-linux-x86_64.so";
    Path file = folder.resolve(name);
    try (InputStream packed = JcudaStubs.class.getResourceAsStream("/lib/" + name)) {
      Files.copy(packed, file);
    }
    String symbols =
        CudaStub.run(List.of("nm", "-D", "--undefined-only", file.toString())).output();
    // Lines as "                 U cublasCreate_v2@libcublas.so.12".
    return symbols
        .lines()
        .map(line -> line.strip().split("[ @]+")[1])
        .filter(symbol -> symbol.startsWith(prefix))
        .toList();
  }
}
