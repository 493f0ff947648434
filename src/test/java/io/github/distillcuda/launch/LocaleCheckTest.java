package io.github.distillcuda.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The program where the locale cannot express a name: in a Java of its own, and behind another. */
@Timeout(120) // only ends a test that would hang
class LocaleCheckTest {
  @TempDir Path folder;

  /** {@code $e} is an é in UTF-8, {@code $run} the program; no run begins at T = 0. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          LC_ALL=C $run --T 0 --out=$e/run          | the argument --out=??/run
          LC_ALL=C $run eval --model $e/m.pth       | the argument --model ??/m.pth
          $run --T 0 --out $e                       | the argument --out ??
          mkdir -p $e; cd $e; LC_ALL=C $run info    | the working folder FOLDER/??
          LC_ALL=C XDG_CACHE_HOME=/tmp/$e $run info | the variable XDG_CACHE_HOME=/tmp/??
          LC_ALL=C HOME=/home/$e $run info          | the variable HOME=/home/??
          LC_ALL=C DISTILL_JAVA_HOME=/$e $run info  | the variable DISTILL_JAVA_HOME=/??
          """)
  void whatTheLocaleCannotExpressIsNamedBeforeAnythingStarts(String script, String what)
      throws Exception {
    assertRefused(
        script,
        what.replace("FOLDER", folder.toRealPath().toString())
            + " cannot be expressed in this locale, of which the encoding is ANSI_X3.4-1968;"
            + " set LC_ALL=C.UTF-8");
  }

  @Test
  void bytesThatAreNotUtf8AreNotReplacedByOthers() throws Exception {
    assertRefused(
        "LC_ALL=C.UTF-8 $run --T 0 --out $(printf '\\351')/run",
        "the argument --out ?/run has bytes that are not UTF-8;"
            + " rename it, or set LC_ALL to the locale that it is of");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--version", "--help", "eval --help", "-V"})
  void helpAndVersionNeedNoNames(String arguments) throws Exception {
    for (JavaHome java : javas()) {
      Process process = start(java, "LC_ALL=C HOME=/home/$e $run " + arguments);
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(said).isZero();
      assertThat(said).contains("distill-cuda");
    }
  }

  private void assertRefused(String script, String line) throws Exception {
    for (JavaHome java : javas()) {
      Process process = start(java, script);
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(said.lines()).containsExactly("distill-cuda: " + line);
      assertThat(process.waitFor()).isEqualTo(Main.EXIT_USAGE);
      assertThat(folder.toFile().list()).noneMatch(name -> name.contains("?"));
    }
  }

  /** This one, and an older one where one is installed. */
  private static List<JavaHome> javas() {
    List<JavaHome> javas = new ArrayList<>();
    javas.add(JavaHome.at(new File(System.getProperty("java.home"))));
    JdkFinder.ofThisMachine().installed().stream()
        .filter(java -> java.feature < Main.REQUIRED_JAVA)
        .findFirst()
        .ifPresent(javas::add);
    return javas;
  }

  private Process start(JavaHome java, String script) throws Exception {
    // The Java of the tests may have another locale: the shell makes the name.
    String begin = "e=$(printf '\\303\\251'); run='%s -cp %s %s'; ";
    String named =
        begin.formatted(
            java.executable(), System.getProperty("java.class.path"), Main.class.getName());
    return new ProcessBuilder("env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", named + script)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .start();
  }
}
