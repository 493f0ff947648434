package io.github.distillcuda.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What libgomp says of the environment it was loaded in, in a process of its own. */
class OnednnLibraryTest {
  /** Loads the library and ends. */
  static final class Loader {
    private Loader() {}

    /** The process. */
    public static void main(String[] arguments) {
      OnednnLibrary.load();
    }
  }

  @ParameterizedTest(name = "{0}={1}")
  @CsvSource({
    "UNRELATED, 1, 5000",
    "GOMP_SPINCOUNT, 77, 77",
    // What libgomp makes of it by itself: minutes of spinning.
    "OMP_WAIT_POLICY, active, 30000000000"
  })
  void threadsSleepSoonUnlessTheUserSaysOtherwise(String name, String value, String spins)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Loader.class.getName())
            .redirectErrorStream(true);
    builder.environment().remove("GOMP_SPINCOUNT");
    builder.environment().remove("OMP_WAIT_POLICY");
    builder.environment().put("OMP_DISPLAY_ENV", "VERBOSE");
    builder.environment().put(name, value);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output).containsPattern("GOMP_SPINCOUNT = '" + spins + "'");
  }
}
