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
  private final CudaLibraries libraries;
  private final Map<String, String> facts = new LinkedHashMap<>();

  private CudaSurvey(CudaLibraries libraries) {
    this.libraries = libraries;
  }

  /**
   * Returns facts by name: each GPU; cuDNN, cuBLAS and cublasLt with their versions; and each file
   * that was looked for, where it is, or every place that was tried with what came of it.
   */
  public static Map<String, String> of(CudaLibraries libraries) {
    CudaSurvey survey = new CudaSurvey(libraries);
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

  private String devices(CudaDriverApi driver) {
    for (int ordinal = 0; ordinal < driver.cuDeviceGetCount(); ordinal++) {
      facts.put("cuda:" + ordinal, CudaDevice.of(driver, ordinal).toString());
    }
    return "for CUDA " + CudaLibraries.cudaVersion(driver.cuDriverGetVersion());
  }

  private static String attempts(CudaLibrarySearch search) {
    return search.attempts().stream()
        .map(attempt -> "%s: %s".formatted(attempt.place(), attempt.outcome()))
        .collect(Collectors.joining("; "));
  }
}
