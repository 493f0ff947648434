package io.github.distillcuda.ffi;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * NVIDIA's real libraries and headers, where this machine has them. Whoever wants them tested names
 * their folders in {@code DISTILL_CUDA_LIBS}, or installs them where the program finds them anyway.
 */
final class CudaTestLibraries {
  static final String HOW_TO =
      "; name the folders of NVIDIA's libraries in " + CudaSearchPath.OWN_VARIABLE;

  private CudaTestLibraries() {}

  /** The libraries of this machine. */
  static CudaLibraries ofThisMachine(CudaBinding binding) {
    return new CudaLibraries(binding);
  }

  /** Folders with headers: the toolkit's first, since those beside cuBLAS include them. */
  static List<Path> headerFolders() {
    CudaSearchPath path = new CudaSearchPath(System.getenv(), Path.of("/"));
    return Stream.concat(path.named().stream(), path.usual().stream())
        .map(folder -> folder.resolveSibling("include"))
        .filter(Files::isDirectory)
        .sorted((a, b) -> Boolean.compare(hasRuntime(b), hasRuntime(a)))
        .distinct()
        .toList();
  }

  private static boolean hasRuntime(Path include) {
    return Files.exists(include.resolve("cuda_runtime.h"));
  }

  /** A search that looks nowhere but in one folder, and Panama. */
  static CudaLibraries only(Path folder) {
    return only(CudaBinding.PANAMA, folder);
  }

  /** A search that looks nowhere but in one folder. */
  static CudaLibraries only(CudaBinding binding, Path folder) {
    Map<String, String> environment = new HashMap<>();
    environment.put(CudaSearchPath.OWN_VARIABLE, folder.toString());
    return new CudaLibraries(
        binding, new CudaSearchPath(environment, folder.resolve("no-such-root")), false);
  }
}
