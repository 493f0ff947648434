package io.github.distillcuda.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Runs a program of the tests in a virtual machine of its own. JCuda connects itself with whatever
 * library of NVIDIA's name came first, for as long as the process lives, and some of its failures
 * end the process.
 */
final class JcudaProcess {
  private JcudaProcess() {}

  /**
   * Runs a program to its end.
   *
   * @param cache where JCuda's libraries are unpacked
   */
  static CudaStub.Finished run(
      Class<?> program, Path cache, List<String> flags, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // What the launcher sets for users, and what shows that nothing else is needed.
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny"));
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(Map.of("XDG_CACHE_HOME", cache.toString()));
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return new CudaStub.Finished(process.exitValue(), output);
  }
}
