package io.github.distillcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudaDriverApi;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the README shows works as it is printed there. Its commands are run by {@code .ci/run}. */
class ReadmeTest {
  private static final Path README = Path.of("README.md");

  @TempDir Path temporary;

  private static List<String> blocks(String language) throws IOException {
    Matcher matcher =
        Pattern.compile("```" + language + "\\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(README));
    List<String> blocks = new ArrayList<>();
    while (matcher.find()) {
      blocks.add(matcher.group(1));
    }
    return blocks;
  }

  /** Compiles the example, runs it in a new JVM, and compares with the output shown below it. */
  @Test
  void theExampleCompilesAndPrintsWhatIsShown() throws IOException, InterruptedException {
    compile("Example", blocks("java").getFirst());
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath() + ":" + temporary,
                "Example")
            .redirectErrorStream(true)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(printed).isZero();
    assertThat(printed).isEqualTo(blocks("text").getFirst());
  }

  /** Compiles the example on device buffers, and runs it on an emulated device. */
  @Test
  void theExampleOfAVocabularyRunsOnTheEmulatedDevice() throws Exception {
    compile("Vocabulary", blocks("java").get(1));
    EmulatedDevice device = new EmulatedDevice();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {temporary.toUri().toURL()})) {
      Method terms =
          loader.loadClass("Vocabulary").getDeclaredMethod("terms", CudaDriverApi.class, int.class);
      terms.setAccessible(true);
      float uniform = (float) Math.log(128_256);
      assertThat((float[]) terms.invoke(null, device.driver(), 2))
          .containsExactly(new float[] {0, 0, uniform, uniform}, within(1e-5f));
    }
    assertThat(device.live()).isEmpty();
  }

  private void compile(String name, String text) throws IOException {
    Path source = temporary.resolve(name + ".java");
    Files.writeString(source, text);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      boolean compiled =
          compiler
              .getTask(
                  messages,
                  files,
                  null,
                  List.of("-proc:none", "-cp", classPath(), "-d", temporary.toString()),
                  null,
                  files.getJavaFileObjects(source))
              .call();
      assertThat(compiled).as(messages.toString()).isTrue();
    }
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
  }

  /** Or else it is shown as text. */
  @ParameterizedTest
  @ValueSource(strings = {"README.md", "bench/README.md", "kernels/README.md"})
  void tablesHaveAsManyDelimitersAsHeadings(String page) throws IOException {
    List<String> lines = Files.readAllLines(Path.of(page));
    List<Integer> delimiters =
        IntStream.range(0, lines.size())
            .filter(i -> lines.get(i).startsWith("|---"))
            .boxed()
            .toList();
    assertThat(delimiters)
        .isNotEmpty()
        .allSatisfy(
            i ->
                assertThat(lines.get(i).split("\\|", -1))
                    .as("below %s", lines.get(i - 1))
                    .hasSameSizeAs(lines.get(i - 1).split("\\|", -1)));
  }

  /** Two commands do all set-up on a fresh machine: one runs the main job, one passes the tests. */
  @Test
  void thereAreTwoCommandsAndCiRunsThem() throws IOException {
    assertThat(blocks("sh")).hasSize(2);
    assertThat(blocks("sh").getFirst()).contains("java -jar target/distill-cuda.jar --T 5");
    assertThat(Files.readString(Path.of(".ci/run")))
        .contains("readme_command Run", "readme_command Test");
  }
}
