package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How JCuda is loaded, and that it is not where that would end the process. */
class JcudaLoadingTest {
  private static final String NATIVE_CODE = "libJCudaDriver-12.6.0-linux-x86_64.so";

  /** Asks for the driver through JCuda and prints what came of it. */
  static final class Driver {
    private Driver() {}

    /**
     * The process.
     *
     * @param arguments the one folder to look in
     */
    public static void main(String[] arguments) {
      try {
        CudaDriverApi driver =
            CudaTestLibraries.only(CudaBinding.JCUDA, Path.of(arguments[0])).driver();
        System.out.println(driver.cuDeviceGetName(0));
      } catch (RuntimeException e) {
        System.out.println(e.getMessage());
      }
      System.out.println("temporary files in " + System.getProperty("java.io.tmpdir"));
    }
  }

  /** Calls JCuda as its documentation says. */
  static final class Unguarded {
    private Unguarded() {}

    /**
     * The process.
     *
     * @param arguments the driver
     */
    public static void main(String[] arguments) {
      SharedLibrary.open(Path.of(arguments[0]));
      System.out.println(JCudaDriver.cuInit(0));
    }
  }

  @TempDir static Path stubs;
  @TempDir Path folder;
  private Path cache;
  private Path unpacked;
  private Path temporaryFiles;
  private Path libcuda;

  @BeforeAll
  static void buildStubs() throws IOException, InterruptedException {
    JcudaStubs.build(stubs);
  }

  @BeforeEach
  void makeFolders() throws IOException {
    cache = folder.resolve("cache");
    unpacked = cache.resolve("distill-cuda/native/jcuda-12.6.0").resolve(NATIVE_CODE);
    temporaryFiles = Files.createDirectory(folder.resolve("tmp"));
    libcuda = folder.resolve("libcuda.so.1");
  }

  @Test
  void withoutADriverNothingOfJcudaIsUnpacked() throws Exception {
    requireOutput(
        folder, "no NVIDIA driver (libcuda.so.1 not found); install driver 525.60.13 or newer");
    assertThat(cache).doesNotExist();
  }

  /** The loader takes an empty library, and JCuda's calls into it would end the process. */
  @Test
  void anEmptyDriverIsRefusedByName() throws Exception {
    CudaStub.compileNamed(libcuda, "int something;");
    requireOutput(
        folder,
        ("the NVIDIA driver at %s is not complete (libcuda.so.1 does not export"
                + " cuDriverGetVersion); install driver 525.60.13 or newer")
            .formatted(libcuda));
    assertThat(cache).doesNotExist();
  }

  @Test
  void jcudaByItselfEndsTheProcess() throws Exception {
    CudaStub.compileNamed(libcuda, "int something;");
    CudaStub.Finished process =
        JcudaProcess.run(
            Unguarded.class,
            cache,
            List.of("-Djava.io.tmpdir=" + temporaryFiles),
            libcuda.toString());
    assertThat(process.output()).contains("undefined symbol: cuInit");
    assertThat(process.exitStatus()).isEqualTo(127);
  }

  @Test
  void aDriverThatLacksOneFunctionIsRefused() throws Exception {
    CudaStub.compileNamed(
        libcuda,
        CudaStub.echo(CudaFunctionTables.DRIVER, "cuGraphUpload", "cuDriverGetVersion")
            + "int cuDriverGetVersion(int* version) { *version = 12060; return 0; }");
    requireOutput(
        folder,
        ("the NVIDIA driver at %s is not complete (libcuda.so.1 does not export cuGraphUpload);"
                + " install driver 525.60.13 or newer")
            .formatted(libcuda));
  }

  /** The loader would give JCuda whatever it finds as libcuda.so.1, or nothing. */
  @Test
  void aDriverThatJcudaWouldNotFindIsRefused() throws Exception {
    CudaStub.compile(
        libcuda,
        CudaStub.echo(CudaFunctionTables.DRIVER, "cuDriverGetVersion")
            + "int cuDriverGetVersion(int* version) { *version = 12060; return 0; }");
    CudaStub.Finished process = run(folder);
    assertThat(process.output())
        .matches(
            "(?s)JCuda (needs|would call another) libcuda\\.so\\.1 .*; use --engine panama\n.*");
    assertThat(process.exitStatus()).isZero();
  }

  /** As another user could have left it there; JCuda would load it. */
  @Test
  void whatLiesInTheTemporaryFolderIsNotLoaded() throws Exception {
    Files.writeString(temporaryFiles.resolve(NATIVE_CODE), "!");
    requireOutput(stubs, "GPU of the stub");
    assertThat(temporaryFiles.resolve(NATIVE_CODE)).hasContent("!");
    assertThat(unpacked).isRegularFile();
  }

  @Test
  void whatLiesOnTheLibraryPathIsNotLoaded() throws Exception {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Files.writeString(elsewhere.resolve(NATIVE_CODE), "!");
    requireOutput(
        stubs,
        "JCuda would load %s unchecked; delete it or use --engine panama"
            .formatted(elsewhere.resolve(NATIVE_CODE)),
        "-Djava.library.path=" + elsewhere);
  }

  /** What the linker goes around, so that whoever changes the version of JCuda looks again. */
  @Test
  void theDefectsOfJcudaAreStillThere() throws Exception {
    CudaStub.Finished process =
        JcudaProcess.run(JcudaDefects.class, cache, List.of(), stubs.toString());
    assertThat(process.exitStatus()).as(process.output()).isZero();
    assertThat(process.output().lines())
        .satisfiesExactly(
            nodes -> assertThat(nodes).contains(" room for ").doesNotEndWith(" room for 2"),
            memory -> assertThat(memory).startsWith("2 GiB: ").contains("Integer.MAX_VALUE"),
            mathType -> assertThat(mathType).isEqualTo("mathType 0 0"),
            gemm -> assertThat(gemm).isEqualTo("CUBLAS_COMPUTE_32F: 15"));
  }

  private void requireOutput(Path libraries, String firstLine, String... flags)
      throws IOException, InterruptedException {
    CudaStub.Finished process = run(libraries, flags);
    assertThat(process.output())
        .isEqualTo("%s\ntemporary files in %s\n".formatted(firstLine, temporaryFiles));
    assertThat(process.exitStatus()).isZero();
  }

  private CudaStub.Finished run(Path libraries, String... flags)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(flags));
    all.add("-Djava.io.tmpdir=" + temporaryFiles);
    return JcudaProcess.run(Driver.class, cache, all, libraries.toString());
  }
}
