package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaSearchPathTest {
  @TempDir Path root;
  private final Map<String, String> environment = new HashMap<>();

  @Test
  void theMostDeliberateChoiceComesFirst() throws IOException {
    // Made in another order than they should be found in.
    Path wsl = folder("usr/lib/wsl/lib");
    Path packages = folder("usr/local/lib/python3.12/dist-packages/nvidia/cudnn/lib");
    Path distribution = folder("usr/lib64");
    Path plain = folder("usr/lib");
    Path old = folder("usr/local/cuda-9.2/lib64");
    Path newest = folder("usr/local/cuda-13.0/lib64");
    Path chosen = folder("usr/local/cuda/lib64");
    Path home = folder("opt/toolkit/targets/x86_64-linux/lib");
    Path loader = folder("loader");
    environment.put("LD_LIBRARY_PATH", ":" + loader + "::" + root.resolve("absent"));
    environment.put("CUDA_HOME", root.resolve("opt/toolkit").toString());

    assertThat(usual())
        .containsExactly(loader, home, chosen, newest, old, distribution, plain, packages, wsl);
  }

  /** NUL stands for what a locale lacks. */
  @Test
  void whatTheLocaleCannotExpressIsPassedOver() throws IOException {
    Path loader = folder("loader");
    environment.put("LD_LIBRARY_PATH", "/a\0b:" + loader);
    environment.put("CUDA_HOME", "/a\0b");

    assertThat(usual()).containsExactly(loader);
  }

  @Test
  void theOwnVariableIsApartAndKeepsWhatIsNotThere() throws IOException {
    Path own = folder("own");
    Path typingError = root.resolve("onw");
    environment.put("DISTILL_CUDA_LIBS", own + ":" + typingError);
    environment.put("LD_LIBRARY_PATH", own.toString());

    assertThat(search().named()).containsExactly(own, typingError);
    assertThat(usual()).isEmpty();
  }

  @Test
  void thePackagesOfThePythonOnThePathAreFoundWithoutRunningIt() throws IOException {
    Path cublas = folder("python/lib/python3.11/site-packages/nvidia/cu13/lib");
    Path cudnn = folder("python/lib/python3.11/site-packages/nvidia/cudnn/lib");
    Path other = folder("other/lib/python3.9/site-packages/nvidia/cudnn/lib");
    Path marker = root.resolve("it-was-run");
    python("python/bin", "touch " + marker);
    python("other/bin", "touch " + marker);
    folder("empty");
    environment.put(
        "PATH", root.resolve("empty") + ":" + root.resolve("python/bin") + ":/no/such/folder");

    assertThat(usual()).containsExactly(cublas, cudnn).doesNotContain(other);
    assertThat(marker).doesNotExist();
  }

  @Test
  void aVirtualEnvironmentComesBeforeThePythonItLinksTo() throws IOException {
    Path base = folder("base/lib/python3.11/site-packages/nvidia/cudnn/lib");
    Path inner = folder("venv/lib/python3.11/site-packages/nvidia/cudnn/lib");
    Path python = python("base/bin", "exit 1");
    Files.createSymbolicLink(folder("venv/bin").resolve("python3"), python);
    environment.put("PATH", root.resolve("venv/bin").toString());

    assertThat(usual()).containsExactly(inner, base);
  }

  @Test
  void pyenvsVersionsAreFoundBehindItsScripts() throws IOException {
    Path chosen = folder("pyenv/versions/3.11.7/lib/python3.11/site-packages/nvidia/cudnn/lib");
    Path other = folder("pyenv/versions/3.9.1/lib/python3.9/site-packages/nvidia/cudnn/lib");
    python("pyenv/shims", "exec pyenv");
    environment.put("PATH", root.resolve("pyenv/shims").toString());

    assertThat(usual()).containsExactly(chosen, other);
    Files.writeString(root.resolve("pyenv/version"), "3.11.7\n");
    assertThat(usual()).containsExactly(chosen);
    environment.put("PYENV_VERSION", "3.9.1");
    assertThat(usual()).containsExactly(other);
  }

  @Test
  void activatedEnvironmentsAndTheUsersPackagesAreFound() throws IOException {
    Path user = folder("home/.local/lib/python3.10/site-packages/nvidia/cublas/lib");
    Path conda = folder("conda/lib");
    Path inConda = folder("conda/lib/python3.12/site-packages/nvidia/cublas/lib");
    Path venv = folder("venv/lib64/python3.12/site-packages/nvidia/cublas/lib");
    environment.put("HOME", root.resolve("home").toString());
    environment.put("CONDA_PREFIX", root.resolve("conda").toString());
    environment.put("VIRTUAL_ENV", root.resolve("venv").toString());

    assertThat(usual()).containsExactly(venv, inConda, user, conda);
  }

  @Test
  void nothingIsFoundOnABareMachine() {
    assertThat(usual()).isEmpty();
  }

  @Test
  void theFileThatTheCompilerWantsIsFoundBesideIt() throws IOException {
    Path lib = folder("lib");
    Path compiler = Files.createFile(lib.resolve("libnvrtc.so.13"));
    assertThat(CudaSearchPath.builtinsBeside(compiler)).isEmpty();
    Path builtins = Files.createFile(lib.resolve("libnvrtc-builtins.so.13.0"));
    assertThat(CudaSearchPath.builtinsBeside(compiler)).contains(builtins);
  }

  private Path folder(String belowRoot) throws IOException {
    return Files.createDirectories(root.resolve(belowRoot));
  }

  private Path python(String folder, String script) throws IOException {
    Path python = folder(folder).resolve("python3");
    Files.writeString(python, "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(python, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private CudaSearchPath search() {
    return new CudaSearchPath(environment, root);
  }

  private List<Path> usual() {
    return search().usual();
  }
}
