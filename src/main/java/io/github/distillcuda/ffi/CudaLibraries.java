package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Finds NVIDIA's libraries where people have them and links them through Panama or JCuda, each when
 * it is asked for. One latch serves them all.
 *
 * <p>Libraries of CUDA 12 and 13 will do. Every failure is a {@link DistillException} of the exit
 * code DEVICE that says on one line what is missing and what to install; {@link #searches} has all
 * places that were tried, {@link #notices} what the user should know though it works.
 */
public final class CudaLibraries {
  private static final String DRIVER = "libcuda.so.1";
  private static final String CUDNN = "libcudnn.so.9";

  /** The functions of the tables are in every driver from this version on. */
  private static final int OLDEST_CUDA = 12_000;

  private static final String OLDEST_DRIVER = "525.60.13";
  private static final int CUDA_13 = 13_000;
  private static final String OLDEST_DRIVER_OF_CUDA_13 = "580.65.06";

  private final CudaSearchPath path;
  private final boolean loaderMayFind;
  private final CudaBinding binding;
  private final CudaLatch latch = new CudaLatch();
  private final Set<String> notices = new LinkedHashSet<>();
  private final Map<String, CudaLibrarySearch> searches = new LinkedHashMap<>();
  private int driverVersion = Integer.MAX_VALUE;
  private CudaDriverApi driver;

  /** Prepares to look through this system, and to call what is found through Panama. */
  public CudaLibraries() {
    this(CudaBinding.PANAMA);
  }

  /** Prepares to look through this system. */
  public CudaLibraries(CudaBinding binding) {
    this(binding, new CudaSearchPath(System.getenv(), Path.of("/")), true);
  }

  /**
   * Prepares to look through a system.
   *
   * @param loaderMayFind whether the loader may be asked to find a library by its name
   */
  CudaLibraries(CudaBinding binding, CudaSearchPath path, boolean loaderMayFind) {
    this.binding = binding;
    this.path = path;
    this.loaderMayFind = loaderMayFind;
  }

  /** Returns what was looked for so far. */
  public List<CudaLibrarySearch> searches() {
    return List.copyOf(searches.values());
  }

  /** Returns a line for each library so far that is called in another way than was asked for. */
  public List<String> notices() {
    return List.copyOf(notices);
  }

  /**
   * Returns the driver, initialised and with at least one GPU. To be called before the other
   * libraries, whose versions must suit it. Found and linked once, however often it is asked for.
   */
  public CudaDriverApi driver() {
    if (driver == null) {
      driver = linkDriver();
    }
    return driver;
  }

  private CudaDriverApi linkDriver() {
    CudaLibrarySearch search = searchDriver();
    SharedLibrary library =
        search
            .library()
            .orElseThrow(
                () ->
                    unusable(
                        "no NVIDIA driver (%s); install driver %s or newer",
                        search.failure(), OLDEST_DRIVER));
    try {
      requireNewEnough(library);
      CudaDriverApi linked = new LinkedCudaDriver(linker(JcudaLibrary.DRIVER, library), latch);
      linked.cuInit(0);
      return linked;
    } catch (UnsatisfiedLinkError e) {
      throw unusable(
          "the NVIDIA driver at %s is not complete (%s); install driver %s or newer",
          search.location().orElseThrow(), e.getMessage(), OLDEST_DRIVER);
    } catch (NativeException e) {
      throw new DistillException(ExitCode.DEVICE, e.getMessage() + "; " + advice(e.code()), e);
    }
  }

  /**
   * Where nobody named a folder, the driver is the loader's to choose: NVIDIA's forward
   * compatibility packages are a newer libcuda that the loader is told of.
   */
  private CudaLibrarySearch searchDriver() {
    CudaLibrarySearch search = new CudaLibrarySearch(List.of(DRIVER));
    searches.put(DRIVER, search);
    search.lookIn(path.named());
    if (loaderMayFind) {
      search.askLoader("cuInit");
    }
    search.lookIn(path.ofDriver());
    return search;
  }

  /** An old driver lacks functions, so its version is asked for before all of them are linked. */
  private void requireNewEnough(SharedLibrary library) {
    String function = "cuDriverGetVersion";
    driverVersion =
        new CudaFunctions(
                CudaFunctionTables.DRIVER.stream()
                    .filter(prototype -> prototype.symbol().equals(function))
                    .toList(),
                CudaLinker.panama(library),
                latch,
                (functions, call, status) -> new NativeException(call, "CUDA error", status))
            .get(function)
            .callForInt();
    if (driverVersion < OLDEST_CUDA) {
      throw unusable(
          "the NVIDIA driver serves CUDA %s, 12.0 is needed; install driver %s or newer",
          cudaVersion(driverVersion), OLDEST_DRIVER);
    }
  }

  private static String advice(int result) {
    return switch (result) {
      case CudaConstants.CUDA_ERROR_NO_DEVICE ->
          "the driver sees no GPU: look at nvidia-smi and CUDA_VISIBLE_DEVICES";
      case CudaConstants.CUDA_ERROR_STUB_LIBRARY ->
          "this is the toolkit's stand-in for a driver: install driver %s or newer"
              .formatted(OLDEST_DRIVER);
      case CudaConstants.CUDA_ERROR_SYSTEM_NOT_READY ->
          "a service that the GPUs need does not run: look at nvidia-smi, and on an HGX or DGX"
              + " start nvidia-fabricmanager";
      case CudaConstants.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH ->
          "libcuda and the driver in the kernel differ: restart the computer if the driver was"
              + " updated; in a container use the libcuda of the host's driver";
      case CudaConstants.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE ->
          "this libcuda is for forward compatibility, which the GPU does not take: take cuda-compat"
              + " out of LD_LIBRARY_PATH, or out of the container's image, so that the driver's own"
              + " is found";
      default -> "look at nvidia-smi, or install the NVIDIA driver again";
    };
  }

  /** Returns cuDNN 9. */
  public CudnnApi cudnn() {
    // Its engines ask for these by name and find them once they are loaded, wherever they lie.
    search(candidates("libcublasLt.so"));
    searchCompiler(candidates("libnvrtc.so"));
    CudnnApi cudnn =
        link(
            List.of(CUDNN),
            driverVersion >= CUDA_13 ? "nvidia-cudnn-cu13" : "nvidia-cudnn-cu12",
            library -> new LinkedCudnn(linker(JcudaLibrary.CUDNN, library), latch));
    int builtFor = Math.toIntExact(cudnn.cudnnGetCudartVersion());
    if (builtFor / 1000 > driverVersion / 1000) {
      throw unusable(
          "%s is built for CUDA %s, the driver serves %s; install driver %s or newer, or the"
              + " Python package nvidia-cudnn-cu12",
          location(CUDNN),
          cudaVersion(builtFor),
          cudaVersion(driverVersion),
          OLDEST_DRIVER_OF_CUDA_13);
    }
    if (builtFor < CUDA_13 && driverVersion >= CUDA_13) {
      // It asks for those of its own CUDA, whichever others are there.
      search(List.of("libcublasLt.so.12"));
      searchCompiler(List.of("libnvrtc.so.12"));
    }
    return cudnn;
  }

  /** NVIDIA's run-time compiler, which cuDNN can do without, and the file that it looks for. */
  private void searchCompiler(List<String> names) {
    search(names)
        .location()
        .map(Path::of)
        .filter(Path::isAbsolute)
        .flatMap(CudaSearchPath::builtinsBeside)
        .ifPresent(
            builtins -> {
              String name = builtins.getFileName().toString();
              searches
                  .computeIfAbsent(name, first -> new CudaLibrarySearch(List.of(name)))
                  .lookIn(List.of(builtins.getParent()));
            });
  }

  /**
   * Returns cuBLAS 13 or 12. JCuda can call 12 alone: where there is only 13, Panama calls that,
   * and {@link #notices} says so.
   */
  public CublasApi cublas() {
    if (binding == CudaBinding.JCUDA) {
      search(List.of("libcublasLt.so.12"));
      List<String> cublas12 = List.of(JcudaLibrary.CUBLAS.soname());
      // A driver of CUDA 12 serves no other, so there the lack of it is a failure.
      if (search(cublas12).library().isPresent() || driverVersion < CUDA_13) {
        return link(
            cublas12,
            cublasPackage(),
            library -> new LinkedCublas(linker(JcudaLibrary.CUBLAS, library), latch));
      }
      notices.add(
          "cuBLAS is called through Panama, JCuda needs that of CUDA 12: %s"
              .formatted(search(cublas12).failure()));
    }
    // What it is built upon, which by itself it looks for only in its own folder.
    search(candidates("libcublasLt.so"));
    return link(
        candidates("libcublas.so"),
        cublasPackage(),
        library -> new LinkedCublas(CudaLinker.panama(library), latch));
  }

  /** Returns cublasLt 13 or 12, which Panama alone can call. */
  public CublasLtApi cublasLt() {
    return link(
        candidates("libcublasLt.so"),
        cublasPackage(),
        library -> new LinkedCublasLt(CudaLinker.panama(library), latch));
  }

  private CudaLinker linker(JcudaLibrary jcuda, SharedLibrary library) {
    return switch (binding) {
      case PANAMA -> CudaLinker.panama(library);
      case JCUDA -> new JcudaLinker(jcuda, library);
    };
  }

  private String cublasPackage() {
    return driverVersion >= CUDA_13 ? "nvidia-cublas" : "nvidia-cublas-cu12";
  }

  /** A library of CUDA 13 needs a driver that serves 13; those of 12 run on newer drivers too. */
  private List<String> candidates(String name) {
    return driverVersion >= CUDA_13 ? List.of(name + ".13", name + ".12") : List.of(name + ".12");
  }

  private <T> T link(
      List<String> names, String pythonPackage, Function<SharedLibrary, T> linkedApi) {
    CudaLibrarySearch search = search(names);
    String advice = "install it, for example with: pip install " + pythonPackage;
    SharedLibrary library =
        search
            .library()
            .orElseThrow(
                () ->
                    unusable("%s is missing (%s); %s", names.getFirst(), search.failure(), advice));
    try {
      return linkedApi.apply(library);
    } catch (UnsatisfiedLinkError e) {
      throw unusable(
          "%s is not usable (%s); %s", location(names.getFirst()), e.getMessage(), advice);
    }
  }

  private CudaLibrarySearch search(List<String> names) {
    return searches.computeIfAbsent(
        names.getFirst(),
        first -> {
          CudaLibrarySearch search = new CudaLibrarySearch(names);
          search.lookIn(path.named());
          search.lookIn(path.usual());
          if (loaderMayFind) {
            search.askLoader(functionOf(first));
          }
          return search;
        });
  }

  /** Returns a function that a library has in every version. */
  private static String functionOf(String file) {
    return switch (file.substring(0, file.indexOf('.'))) {
      case "libcudnn" -> "cudnnGetVersion";
      case "libcublas" -> "cublasGetVersion_v2";
      case "libcublasLt" -> "cublasLtGetVersion";
      default -> "nvrtcVersion";
    };
  }

  private String location(String name) {
    return searches.get(name).location().orElseThrow();
  }

  /** Returns a version of CUDA as people write it, of 1000*major + 10*minor. */
  public static String cudaVersion(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static DistillException unusable(String line, Object... values) {
    return new DistillException(ExitCode.DEVICE, line.formatted(values));
  }
}
