package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program in a process of its own: where its output goes, its home, its working folder. */
@Timeout(300) // only ends a test that would hang
class SurroundingsTest {
  private static final String RUN =
      "baseline --data synthetic --subset 64 --student-widths 1,1,2 --epochs 1 --device cpu"
          + " --threads 1";

  @TempDir Path folder;
  private String said;

  @BeforeEach
  void needsAFullDevice() {
    assumeTrue(Files.exists(Path.of("/dev/full")), "skipped: this system has no /dev/full");
  }

  /** {@code $run} is the program. */
  private int run(String script) throws Exception {
    String run =
        "run='%s -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED -cp %s %s'; "
            .formatted(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                System.getProperty("java.class.path"),
                Cli.class.getName());
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", "set -o pipefail; " + run + script)
            .directory(folder.toFile())
            .redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor();
  }

  @ParameterizedTest
  @ValueSource(strings = {"--version", "info --json", RUN + " --out run"})
  void outputThatCannotBeWrittenIsNotDone(String arguments) throws Exception {
    for (String nowhere : new String[] {"> /dev/full", ">&-"}) {
      assertThat(run("rm -rf run; $run " + arguments + " " + nowhere)).as(said).isEqualTo(6);
      assertThat(said.lines())
          .singleElement()
          .asString()
          .startsWith("distill-cuda: cannot write standard output");
    }
    assertThat(Files.exists(folder.resolve("run/metrics.json")))
        .isEqualTo(arguments.startsWith("baseline"));
  }

  @Test
  void anotherFailureKeepsItsCode() throws Exception {
    assertThat(run("$run data verify --data-dir nowhere > /dev/full")).as(said).isEqualTo(3);
    assertThat(said.lines()).hasSize(1);
  }

  /** Whoever reads has had enough: the run goes on, and nothing is said. */
  @Test
  void aClosedPipeIsNoFailure() throws Exception {
    assertThat(run("$run " + RUN + " --out run | head -1")).as(said).isZero();
    assertThat(said.lines()).hasSize(1);
    assertThat(folder.resolve("run/metrics.json")).exists();
    assertThat(run("$run --help | true")).as(said).isZero();
    assertThat(said).isEmpty();
  }

  @Test
  void theHomeFolderIsTheOneOfTheVariable() throws Exception {
    String home = folder.resolve("home").toString();
    assertThat(run("unset XDG_CACHE_HOME; HOME=" + home + " $run data verify")).isEqualTo(3);
    assertThat(said).contains(home + "/.cache/distill-cuda", home + "/.keras/datasets");
  }

  /** Every folder that could be named after the next minutes belongs to another run. */
  @Test
  void aDefaultRunFolderIsAlwaysFree() throws Exception {
    DateTimeFormatter format = DateTimeFormatter.ofPattern("yyyy-MM-dd-HHmmss");
    LocalDateTime now = LocalDateTime.now();
    for (int second = 0; second < 300; second++) {
      hold(folder.resolve("runs").resolve(now.plusSeconds(second).format(format)));
    }
    assertThat(run("$run " + RUN)).as(said).isZero();
    String line = said.lines().filter(l -> l.startsWith("run folder: ")).findFirst().orElseThrow();
    assertThat(line).endsWith("-2");
    assertThat(folder.resolve(line.substring("run folder: ".length())).resolve("metrics.json"))
        .exists();
  }

  private static void hold(Path run) throws IOException {
    Files.writeString(Files.createDirectories(run).resolve("config.json"), "{}");
  }
}
