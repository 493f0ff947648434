package io.github.distillcuda.ffi;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** A system with nothing of CUDA but generated stand-ins, in one folder. */
public final class CudaStandIns {
  private final Path folder;

  /** A system without any, as yet. */
  public CudaStandIns(Path folder) {
    this.folder = folder;
  }

  /** Adds a driver that serves a CUDA, with the result of its cuInit. */
  public CudaStub driver(int version, int initResult) {
    return driver(version, "return %d;".formatted(initResult));
  }

  /** Adds a driver that serves a CUDA, with C for its cuInit. */
  CudaStub driver(int version, String init) {
    return compile(
        CudaStub.echo(
                CudaFunctionTables.DRIVER,
                "cuDriverGetVersion",
                "cuInit",
                "cuGetErrorName",
                "cuGetErrorString")
            + """
            int cuDriverGetVersion(int* version) { *version = %d; return 0; }
            int cuInit(unsigned flags) { %s }
            static char name[64], text[64];
            int cuGetErrorName(int error, const char** out) {
              sprintf(name, "CUDA_ERROR_%%d", error); *out = name; return 0;
            }
            int cuGetErrorString(int error, const char** out) {
              sprintf(text, "text of %%d", error); *out = text; return 0;
            }
            """
                .formatted(version, init));
  }

  /** Adds a driver so old that it has nothing but its version: newer functions are not there. */
  public CudaStub oldDriver(int version) {
    return compile(
        "int cuDriverGetVersion(int* version) { *version = %d; return 0; }".formatted(version));
  }

  private CudaStub compile(String source) {
    try {
      return CudaStub.compile(folder.resolve("libcuda.so.1"), source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Looks for libraries nowhere else. */
  public CudaLibraries libraries() {
    return CudaTestLibraries.only(folder);
  }
}
