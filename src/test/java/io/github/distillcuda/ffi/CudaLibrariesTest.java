package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said where the driver or a library is not there or not usable, on stand-ins in C. */
class CudaLibrariesTest {
  @TempDir Path folder;

  // ---- The driver

  @Test
  void noDriver() {
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    requireDeviceFailure(
        libraries::driver,
        "no NVIDIA driver (libcuda.so.1 not found); install driver 525.60.13 or newer");
    assertThat(libraries.searches())
        .singleElement()
        .satisfies(
            search -> {
              assertThat(search.location()).isEmpty();
              assertThat(search.attempts())
                  .containsExactly(
                      new CudaLibrarySearch.Attempt(
                          folder.resolve("libcuda.so.1").toString(), "no such file"));
            });
  }

  @Test
  void theLoadersReasonIsGivenForADriverThatItRefuses() throws Exception {
    Path needed = folder.resolve("libneeded.so");
    CudaStub.compile(needed, "int something;");
    Path file = folder.resolve("libcuda.so.1");
    CudaStub.compile(file, "extern int something; int cuInit() { return something; }", needed);
    Files.delete(needed);
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    requireDeviceFailure(
        libraries::driver,
        "no NVIDIA driver (%s: %s: cannot open shared object file: No such file or directory); "
                .formatted(file, needed)
            + "install driver 525.60.13 or newer");
    assertThat(libraries.searches().getFirst().attempts().getFirst().outcome())
        .contains("libneeded.so: cannot open shared object file");
  }

  @Test
  void noGpu() throws Exception {
    driver(13_000, "return 100;");
    requireDeviceFailure(
        CudaTestLibraries.only(folder)::driver,
        "cuInit(flags=0) failed: CUDA_ERROR_100 (100) text of 100; "
            + "the driver sees no GPU: look at nvidia-smi and CUDA_VISIBLE_DEVICES");
  }

  @Test
  void theToolkitsStandInForADriver() throws Exception {
    driver(13_000, "return 34;");
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(CudaTestLibraries.only(folder)::driver)
        .withMessageContaining("CUDA_ERROR_34")
        .withMessageEndingWith("stand-in for a driver: install driver 525.60.13 or newer");
  }

  /** What a driver that does not start says by its number alone. */
  @ParameterizedTest
  @CsvSource({
    "802, start nvidia-fabricmanager",
    "803, in a container use the libcuda of the host's driver",
    "804, take cuda-compat out of LD_LIBRARY_PATH",
    "999, look at nvidia-smi"
  })
  void aDriverThatDoesNotStart(int result, String advice) {
    driver(13_000, "return %d;".formatted(result));
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(CudaTestLibraries.only(folder)::driver)
        .withMessageContainingAll("(%d) text of %d; ".formatted(result, result), advice)
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE))
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
  }

  @Test
  void anOldDriver() throws Exception {
    // As on the real ones, the newer functions are not even exported.
    new CudaStandIns(folder).oldDriver(11_040);
    requireDeviceFailure(
        CudaTestLibraries.only(folder)::driver,
        "the NVIDIA driver serves CUDA 11.4, 12.0 is needed; install driver 525.60.13 or newer");
  }

  @Test
  void aDriverThatLacksAFunction() throws Exception {
    new CudaStandIns(folder).oldDriver(12_000);
    requireDeviceFailure(
        CudaTestLibraries.only(folder)::driver,
        "the NVIDIA driver at %s is not complete (libcuda.so.1 does not export cuInit); "
                .formatted(folder.resolve("libcuda.so.1"))
            + "install driver 525.60.13 or newer");
  }

  @Test
  void aLibraryThatIsNoDriver() throws Exception {
    CudaStub.compile(folder.resolve("libcuda.so.1"), "int something;");
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(CudaTestLibraries.only(folder)::driver)
        .withMessageContaining("libcuda.so.1 does not export cuDriverGetVersion");
  }

  @Test
  void aDriverWithAGpuIsInitialised() throws Exception {
    CudaStub stub = driver(13_000, "return 0;");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    CudaDriverApi driver = libraries.driver();
    assertThat(stub.calls()).isZero();
    assertThat(libraries.driver()).isSameAs(driver);
    assertThat(driver.cuDeviceGetCount()).isEqualTo(1001);
    assertThat(libraries.searches().getFirst().location())
        .contains(folder.resolve("libcuda.so.1").toString());
  }

  // ---- The libraries

  @Test
  void cudnnMissing() throws Exception {
    driver(13_000, "return 0;");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    requireDeviceFailure(
        libraries::cudnn,
        "libcudnn.so.9 is missing (libcudnn.so.9 not found); "
            + "install it, for example with: pip install nvidia-cudnn-cu13");
  }

  @Test
  void cublasMissingOnADriverOfCuda12() throws Exception {
    driver(12_040, "return 0;");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    requireDeviceFailure(
        libraries::cublas,
        "libcublas.so.12 is missing (libcublas.so.12 not found); "
            + "install it, for example with: pip install nvidia-cublas-cu12");
  }

  @Test
  void aDriverOfCuda12TakesTheLibrariesOfCuda12() throws Exception {
    driver(12_040, "return 0;");
    cublas("libcublas.so.13", "libcublasLt.so.13");
    cublas("libcublas.so.12", "libcublasLt.so.12");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    libraries.cublas();
    libraries.cublasLt();
    assertThat(libraries.searches())
        .extracting(search -> search.location().orElse(""))
        .containsExactly(
            folder.resolve("libcuda.so.1").toString(),
            folder.resolve("libcublasLt.so.12").toString(),
            folder.resolve("libcublas.so.12").toString());
  }

  @Test
  void aNewDriverTakesTheNewestLibraries() throws Exception {
    driver(13_010, "return 0;");
    cublas("libcublas.so.12", "libcublasLt.so.12");
    cublas("libcublas.so.13", "libcublasLt.so.13");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    libraries.cublas();
    assertThat(libraries.searches().getLast().location())
        .contains(folder.resolve("libcublas.so.13").toString());
  }

  @Test
  void aNewDriverIsContentWithTheLibrariesOfCuda12() throws Exception {
    driver(13_000, "return 0;");
    cublas("libcublas.so.12", "libcublasLt.so.12");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    libraries.cublas();
    assertThat(libraries.searches().getLast().location())
        .contains(folder.resolve("libcublas.so.12").toString());
  }

  @Test
  void cublas13IsCalledThroughPanamaWhenJcudaIsAskedFor() throws Exception {
    cublas("libcublas.so.13", "libcublasLt.so.13");
    CudaLibraries libraries = CudaTestLibraries.only(CudaBinding.JCUDA, folder);
    assertThat(libraries.cublas().cublasGetVersion_v2()).isEqualTo(1001);
    libraries.cublas();
    assertThat(libraries.notices())
        .containsExactly(
            "cuBLAS is called through Panama, JCuda needs that of CUDA 12: "
                + "libcublas.so.12 not found");
  }

  @Test
  void cudnnForANewerCudaThanTheDriver() throws Exception {
    driver(12_040, "return 0;");
    cudnn("long cudnnGetCudartVersion(void) { return 13030; }");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    requireDeviceFailure(
        libraries::cudnn,
        "%s is built for CUDA 13.3, the driver serves 12.4; "
                .formatted(folder.resolve("libcudnn.so.9"))
            + "install driver 580.65.06 or newer, or the Python package nvidia-cudnn-cu12");
  }

  @Test
  void cudnnForAnOlderCudaThanTheDriver() throws Exception {
    driver(13_000, "return 0;");
    cudnn("long cudnnGetCudartVersion(void) { return 12060; }");
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    assertThat(libraries.cudnn().cudnnGetCudartVersion()).isEqualTo(12_060);
  }

  /** It asks for those of its own CUDA by name, where others would take the newest. */
  @Test
  void cudnnFindsTheLibrariesOfItsOwnCuda() throws Exception {
    driver(13_000, "return 0;");
    cudnn("long cudnnGetCudartVersion(void) { return 12060; }");
    for (String name :
        List.of(
            "libcublasLt.so.13",
            "libcublasLt.so.12",
            "libnvrtc.so.13",
            "libnvrtc.so.12",
            "libnvrtc-builtins.so.12.6",
            "libnvrtc-builtins.so.13.0")) {
      CudaStub.compile(folder.resolve(name), "int something;");
    }
    CudaLibraries libraries = CudaTestLibraries.only(folder);
    libraries.driver();
    libraries.cudnn();
    assertThat(libraries.searches())
        .extracting(search -> Path.of(search.location().orElse("")).getFileName().toString())
        .containsExactly(
            "libcuda.so.1",
            "libcublasLt.so.13",
            "libnvrtc.so.13",
            "libnvrtc-builtins.so.13.0",
            "libcudnn.so.9",
            "libcublasLt.so.12",
            "libnvrtc.so.12",
            "libnvrtc-builtins.so.12.6");
  }

  @Test
  void aLibraryThatLacksAFunction() throws Exception {
    CudaStub.compile(folder.resolve("libcublasLt.so.13"), "int something;");
    requireDeviceFailure(
        CudaTestLibraries.only(folder)::cublasLt,
        "%s is not usable (libcublasLt.so.13 does not export cublasLtGetVersion); "
                .formatted(folder.resolve("libcublasLt.so.13"))
            + "install it, for example with: pip install nvidia-cublas");
  }

  /** A library that no folder has is the loader's to find, in whatever it is configured for. */
  @Test
  void theLoaderIsAskedLast() {
    CudaLibrarySearch search = new CudaLibrarySearch(List.of("libc.so.6"));
    search.lookIn(List.of(folder));
    search.askLoader("fopen");
    assertThat(search.attempts()).hasSize(2);
    assertThat(search.location().orElseThrow()).matches("/.*/libc[.-].*so.*");

    CudaLibrarySearch absent = new CudaLibrarySearch(List.of("libno-such-thing.so.1"));
    absent.askLoader("any");
    assertThat(absent.library()).isEmpty();
    assertThat(absent.failure())
        .isEqualTo(
            "libno-such-thing.so.1: cannot open shared object file: No such file or directory");
  }

  /** The name that is looked for is a link, as of every driver; the kernel lists files. */
  @Test
  void theFileThatTheLoaderTookIsKnownBehindLinks() throws Exception {
    Path file = folder.resolve("libstandin.so.580.65.06");
    CudaStub.compile(file, "int stand_in(void) { return 0; }");
    Path link = Files.createSymbolicLink(folder.resolve("libstandin.so.1"), file);

    CudaLibrarySearch search = new CudaLibrarySearch(List.of(link.toString()));
    search.askLoader("stand_in");
    assertThat(search.location()).contains(file.toRealPath().toString());
    assertThat(search.attempts())
        .containsExactly(new CudaLibrarySearch.Attempt(file.toRealPath().toString(), "loaded"));

    CudaLibrarySearch other = new CudaLibrarySearch(List.of(link.toString()));
    other.askLoader("no_such_function");
    assertThat(other.location()).contains(link.toString());
  }

  // ---- Stand-ins

  private CudaStub driver(int version, String init) {
    return new CudaStandIns(folder).driver(version, init);
  }

  private void cublas(String cublas, String cublasLt) throws Exception {
    CudaStub.compile(folder.resolve(cublas), CudaStub.echo(CudaFunctionTables.CUBLAS));
    CudaStub.compile(folder.resolve(cublasLt), CudaStub.echo(CudaFunctionTables.CUBLASLT));
  }

  private void cudnn(String cudartVersion) throws Exception {
    CudaStub.compile(
        folder.resolve("libcudnn.so.9"),
        CudaStub.echo(CudaFunctionTables.CUDNN, "cudnnGetCudartVersion") + cudartVersion);
  }

  private static void requireDeviceFailure(ThrowingCallable call, String message) {
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(call)
        .withMessage(message)
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
  }
}
