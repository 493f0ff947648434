package io.github.distillcuda.cuda;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import io.github.distillcuda.ffi.CudaLibrarySearch;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What a system has of CUDA, for people who ask why it is not used. */
public final class CudaSurvey {
  private final Map<String, String> facts = new LinkedHashMap<>();

  private CudaSurvey() {}

  /**
   * Returns facts by name: each GPU, also one that is too old; cuDNN, cuBLAS and cublasLt with
   * their versions; and each file that was looked for, where it is, or a line for every place that
   * was tried with what came of it.
   */
  public static Map<String, String> of(CudaLibraries libraries) {
    CudaSurvey survey = new CudaSurvey();
    survey.note("driver", () -> survey.devices(libraries.driver()));
    survey.note("cuDNN", () -> CudaEngine.version(libraries.cudnn().cudnnGetVersion()));
    survey.note("cuBLAS", () -> CudaEngine.version(libraries.cublas().cublasGetVersion_v2()));
    survey.note("cublasLt", () -> CudaEngine.version(libraries.cublasLt().cublasLtGetVersion()));
    for (CudaLibrarySearch search : libraries.searches()) {
      survey.facts.put(search.name(), search.location().orElseGet(() -> attempts(search)));
    }
    return survey.facts;
  }

  private void note(String name, Supplier<String> fact) {
    String value;
    try {
      value = fact.get();
    } catch (DistillException e) {
      value = "none: " + e.getMessage();
    }
    facts.put(name, value);
  }

  /** Returns each GPU by its number. */
  static Map<String, String> gpus(CudaDriverApi driver) {
    Map<String, String> gpus = new LinkedHashMap<>();
    for (int ordinal = 0; ordinal < driver.cuDeviceGetCount(); ordinal++) {
      CudaDevice gpu = CudaDevice.of(driver, ordinal);
      gpus.put("cuda:" + ordinal, gpu + gpu.unsupported().map(reason -> "; " + reason).orElse(""));
    }
    return gpus;
  }

  private String devices(CudaDriverApi driver) {
    facts.putAll(gpus(driver));
    return "for CUDA " + CudaLibraries.cudaVersion(driver.cuDriverGetVersion());
  }

  private static String attempts(CudaLibrarySearch search) {
    return search.attempts().stream()
        .map(attempt -> "%s: %s".formatted(attempt.place(), attempt.outcome()))
        .collect(Collectors.joining("\n"));
  }
}
