package io.github.distillcuda.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.cli.StopSignals;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the launcher as its user does, in an older Java, before a small stand-in for the program.
 */
@Timeout(120) // only ends a test that would hang
class LauncherTest {
  private static final String THIS_JAVA = System.getProperty("java.home");

  @TempDir static Path classes;
  private static String classPath;

  @TempDir Path folder;
  private Process process;
  private ProcessHandle program;

  @BeforeAll
  static void compileTheStandIn() throws Exception {
    Path source = Path.of(LauncherTest.class.getResource("/launcher/Cli.java").toURI());
    Path program =
        Path.of(StopSignals.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", "" + program, "-d", "" + classes, "" + source);
    assertThat(failed).isZero();
    classPath = classes + ":" + program;
  }

  @AfterEach
  void leaveNothingRunning() {
    if (process != null) {
      process.destroyForcibly();
    }
    if (program != null) {
      program.destroyForcibly();
    }
  }

  @Test
  void anOlderJavaStartsTheProgramInANewerOne() throws Exception {
    String[] arguments = {"show", "--T", "5", "two words", "", "*", "\"quoted\"", "$HOME"};
    start(List.of("-Xmx300m", "-Dtest.property=a b", "-ea"), Map.of(), arguments);

    List<String> lines = process.inputReader().lines().toList();

    assertThat(process.waitFor()).isZero();
    assertThat(lines)
        .contains("java " + Runtime.version().feature(), "property a b")
        .doesNotContain("pid " + process.pid())
        .endsWith(
            "arg [show]",
            "arg [--T]",
            "arg [5]",
            "arg [two words]",
            "arg []",
            "arg [*]",
            "arg [\"quoted\"]",
            "arg [$HOME]");
    assertThat(lines.get(3)).contains("--enable-native-access=ALL-UNNAMED", "-Xmx300m", ", -ea");
  }

  @Test
  void aNewEnoughJavaRunsTheProgramItself() throws Exception {
    start(JavaHome.at(new File(THIS_JAVA)), List.of(), Map.of(), "show");

    assertThat(process.inputReader().lines()).contains("pid " + process.pid());
    assertThat(process.waitFor()).isZero();
  }

  @Test
  void theExitCodeIsTheProgramsOwn() throws Exception {
    start(List.of(), Map.of(), "exit", "7");
    assertThat(process.waitFor()).isEqualTo(7);

    start(List.of(), Map.of(), "throw");
    assertThat(process.errorReader().lines()).anyMatch(l -> l.contains("thrown by the program"));
    assertThat(process.waitFor()).isEqualTo(1);
  }

  @Test
  void withoutANewerJavaItListsWhatIsThereAndSaysWhatToInstall() throws Exception {
    Path found = fakeJava("jdk-21", "21.0.4", "#!/bin/sh");
    start(
        List.of("-D" + JdkFinder.FOLDERS_PROPERTY + "=" + folder),
        Map.of("DISTILL_JAVA_HOME", "", "PATH", "" + folder),
        "show");

    assertThat(process.errorReader().lines())
        .containsExactly(
            "distill-cuda needs a JDK 25 or newer; this is Java %d in %s."
                .formatted(olderJava().feature, olderJava().folder.getCanonicalPath()),
            "None was found that is new enough, only:",
            "  Java 21 in " + found,
            "Install one (Debian, Ubuntu: apt install openjdk-25-jdk-headless;"
                + " others: https://adoptium.net), or set DISTILL_JAVA_HOME to its folder.");
    assertThat(process.waitFor()).isEqualTo(78);
  }

  @Test
  void aDemandedJavaIsNotReplacedByAnother() throws Exception {
    start(List.of(), Map.of("DISTILL_JAVA_HOME", "" + folder), "show");

    assertThat(process.errorReader().lines())
        .anyMatch(line -> line.startsWith("DISTILL_JAVA_HOME=" + folder + " holds no Java."));
    assertThat(process.waitFor()).isEqualTo(78);
  }

  @Test
  void aJavaThatDoesNotStartIsNamed() throws Exception {
    Path broken = fakeJava("jdk-25", "25.0.1", "#!/no/such/interpreter");
    start(List.of(), Map.of("DISTILL_JAVA_HOME", "" + broken), "show");

    assertThat(process.errorReader().lines())
        .anyMatch(line -> line.startsWith("Java 25 in " + broken + " does not start: "));
    assertThat(process.waitFor()).isEqualTo(78);
  }

  @Test
  void aChildInAnOlderJavaDoesNotLaunchAgain() throws Exception {
    start(List.of("-D" + ChildProcess.LAUNCHED_PROPERTY + "=true"), Map.of(), "show");

    assertThat(process.errorReader().lines())
        .anyMatch(line -> line.startsWith("The release file there says otherwise."));
    assertThat(process.waitFor()).isEqualTo(78);
  }

  @Test
  void ctrlCReachesBothProcessesAndCountsOnce() throws Exception {
    startTraining(1000);
    signalGroup("INT");

    assertStopped(130, "saving", "saved");
  }

  @Test
  void aSecondCtrlCEndsTheProgramAtOnce() throws Exception {
    startTraining(600_000);
    signalGroup("INT");
    while (!Files.exists(log())) {
      Thread.sleep(10);
    }
    signalGroup("INT");

    assertStopped(130, "saving");
  }

  @Test
  void aServiceManagerMayTerminateBothProcesses() throws Exception {
    startTraining(1000);
    signalGroup("TERM");

    assertStopped(143, "saving", "saved");
  }

  @Test
  void aSignalToTheLauncherAloneIsPassedOn() throws Exception {
    startTraining(1000);
    signal("TERM", "" + process.pid());
    assertStopped(143, "saving", "saved");

    Files.delete(log());
    startTraining(1000);
    signal("INT", "" + process.pid());
    assertStopped(130, "saving", "saved");
  }

  @Test
  void aSignalToTheProgramAloneEndsBoth() throws Exception {
    startTraining(1000);
    signal("INT", "" + program.pid());

    assertStopped(130, "saving", "saved");
  }

  @Test
  void theProgramSavesAndEndsWhenTheLauncherIsKilled() throws Exception {
    startTraining(1000);
    signal("KILL", "" + process.pid());

    assertStopped(137, "saving", "saved");
  }

  /** The program itself: one Ctrl-C at the terminal saves, and the run goes on to the same bits. */
  @Test
  void ctrlCStopsARealRunThatGoesOnToTheSameBits() throws Exception {
    startRun("--out", "whole");
    assertThat(process.inputReader().lines()).isNotEmpty();
    assertThat(process.waitFor()).isZero();

    startRun("--out", "stopped");
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    while (!line.startsWith("baseline: ")) {
      line = output.readLine();
    }
    signalGroup("INT");
    assertThat(process.errorReader().lines())
        .singleElement()
        .asString()
        .matches(
            "distill-cuda: interrupted after step \\d+ of the baseline; saved up to "
                + "\\S+/stopped/checkpoint/checkpoint-\\d+\\.ckpt, go on with baseline --resume "
                + folder.resolve("stopped"));
    assertThat(process.waitFor()).isEqualTo(130);

    startRun("--resume", "stopped");
    assertThat(process.inputReader().lines()).anyMatch(l -> l.contains("going on in epoch"));
    assertThat(process.waitFor()).isZero();
    assertThat(folder.resolve("stopped/baseline.pth"))
        .hasSameBinaryContentAs(folder.resolve("whole/baseline.pth"));
  }

  private void startRun(String option, String name) throws IOException {
    String options =
        "baseline --data synthetic --subset 320 --student-widths 4,6,8 --epochs 6 --batch-size 32"
            + " --device cpu --threads 1";
    List<String> arguments = new ArrayList<>(List.of(options.split(" ")));
    arguments.addAll(List.of(option, folder.resolve(name).toString()));
    start(
        System.getProperty("java.class.path"),
        olderJava(),
        List.of("-XX:TieredStopAtLevel=1"),
        Map.of(),
        arguments.toArray(String[]::new));
  }

  private static JavaHome olderJava() {
    Optional<JavaHome> older =
        JdkFinder.ofThisMachine().installed().stream()
            .filter(java -> java.feature < Main.REQUIRED_JAVA)
            .findFirst();
    assumeTrue(older.isPresent(), "no Java older than 25 is installed to start the launcher in");
    return older.get();
  }

  private void start(List<String> jvmArguments, Map<String, String> environment, String... args)
      throws IOException {
    start(olderJava(), jvmArguments, environment, args);
  }

  private void start(
      JavaHome java, List<String> jvmArguments, Map<String, String> environment, String... args)
      throws IOException {
    start(classPath, java, jvmArguments, environment, args);
  }

  private void start(
      String classPath,
      JavaHome java,
      List<String> jvmArguments,
      Map<String, String> environment,
      String... args)
      throws IOException {
    List<String> command = new ArrayList<>();
    // A group of its own, all of which a test can signal; and Ctrl-C is not to be ignored, as it is
    // in what a shell runs in the background.
    command.addAll(List.of("setsid", "env", "--default-signal=INT"));
    environment.forEach((name, value) -> command.add(name + "=" + value));
    command.add(java.executable().getPath());
    command.addAll(jvmArguments);
    command.addAll(List.of("-cp", classPath, Main.class.getName()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(name -> name.matches("(JAVA|JDK).*HOME.*"));
    builder.environment().put("DISTILL_JAVA_HOME", THIS_JAVA);
    process = builder.start();
  }

  private void startTraining(long saveMillis) throws IOException {
    start(List.of(), Map.of(), "train", "" + log(), "" + saveMillis);
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    assertThat(line).startsWith("training ");
    program = ProcessHandle.of(Long.parseLong(line.substring("training ".length()))).orElseThrow();
  }

  private Path log() {
    return folder.resolve("log");
  }

  private void assertStopped(int exitCode, String... logged) throws Exception {
    program.onExit().get(60, TimeUnit.SECONDS);
    assertThat(process.waitFor()).isEqualTo(exitCode);
    assertThat(log()).hasContent(String.join("\n", logged));
  }

  private void signalGroup(String name) throws Exception {
    signal(name, "-" + process.pid());
  }

  private static void signal(String name, String target) throws Exception {
    Process kill = new ProcessBuilder("sh", "-c", "kill -s " + name + " -- " + target).start();
    assertThat(kill.waitFor()).isZero();
  }

  private Path fakeJava(String name, String version, String script) throws IOException {
    Path home = folder.resolve(name);
    Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
    Files.writeString(java, script + "\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return home;
  }
}
