package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import io.github.distillcuda.ffi.CudaStub;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program in a process of its own, where signals, a full disk, a small heap and another locale
 * are real. Whatever happens to a run, resumed it leaves the student of the run to which nothing
 * happened.
 */
@Timeout(600) // only ends a test that would hang
class ProgramTest {
  private static final String RUN =
      "run --data synthetic --subset 320 --teacher-widths 4,6,300 --student-widths 4,6,300"
          + " --teacher-epochs 2 --epochs 3 --no-baseline --batch-size 32 --device cpu --threads 1";

  @TempDir static Path shared;
  private static byte[] student;

  @TempDir Path temporary;
  private Process process;

  /** Runs where Java upper-cases i to a dotted letter and has the least memory that is promised. */
  @BeforeAll
  static void runUndisturbed() throws Exception {
    Path folder = shared.resolve("ä ışık 名/run");
    Process process =
        start(List.of("-Xmx64m", "-Duser.language=tr", "-Duser.country=TR"), RUN, "--out", folder);
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    assertThat(out).contains("run folder: " + folder);
    student = Files.readAllBytes(folder.resolve("student.safetensors"));
    JsonParser.parseString(Files.readString(folder.resolve("metrics.json")));
    assertThat(Files.readAllLines(folder.resolve("history.csv")))
        .allMatch(line -> line.split(",").length == 10);
  }

  @AfterEach
  void leaveNothingRunning() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  /** A device that is not there is said before anything is downloaded. */
  @Test
  void anAbsentDeviceIsSaidBeforeTheNetworkIsAsked() throws Exception {
    try (ServerSocket proxy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      ProcessBuilder builder =
          builder(
              List.of(), "run --device cuda:99 --data cifar10", "--out", temporary.resolve("run"));
      Map<String, String> environment = builder.environment();
      environment.keySet().removeIf(name -> name.equalsIgnoreCase("no_proxy"));
      environment.put("HOME", temporary.toString());
      environment.put("XDG_CACHE_HOME", temporary.toString());
      environment.put("https_proxy", "http://127.0.0.1:" + proxy.getLocalPort());
      process = builder.start();
      String out = output();
      assertThat(process.waitFor()).as(out).isEqualTo(5);
      assertThat(out.lines()).singleElement().asString().contains("--device cuda:99: ");
      proxy.setSoTimeout(1);
      assertThatThrownBy(proxy::accept).isInstanceOf(SocketTimeoutException.class);
    }
  }

  /** The program in a process with a library of which the first argument is the file. */
  static final class BesideALibrary {
    @SuppressWarnings("restricted")
    public static void main(String[] args) {
      System.load(args[0]);
      Cli.main(Arrays.copyOfRange(args, 1, args.length));
    }
  }

  /** As the driver of a GPU that hangs; the exit handlers of C are what halt() runs, too. */
  @Test
  void anExitHandlerThatHangsDoesNotHoldUpTheEndForWantOfADevice() throws Exception {
    Path library = temporary.resolve("libhanging.so");
    CudaStub.compile(
        library,
        """
        #include <stdlib.h>
        #include <unistd.h>
        static void hang(void) { for (;;) pause(); }
        __attribute__((constructor)) static void load(void) { atexit(hang); }
        """);
    List<String> command =
        command(List.of(), "run --device cuda:99", "--out", temporary.resolve("run"));
    command.set(command.indexOf(Cli.class.getName()), BesideALibrary.class.getName());
    command.add(command.indexOf(BesideALibrary.class.getName()) + 1, library.toString());
    Path said = temporary.resolve("said");
    process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("the process ends").isTrue();
    assertThat(process.exitValue()).isEqualTo(5);
    assertThat(said).content().startsWith("distill-cuda: --device cuda:99: ").endsWith("\n");
  }

  private static Process start(List<String> jvm, String options, String option, Path folder)
      throws IOException {
    return builder(jvm, options, option, folder).start();
  }

  private static ProcessBuilder builder(
      List<String> jvm, String options, String option, Path folder) {
    ProcessBuilder builder =
        new ProcessBuilder(command(jvm, options, option, folder)).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C.UTF-8");
    return builder;
  }

  private static List<String> command(
      List<String> jvm, String options, String option, Path folder) {
    // What a shell runs in the background ignores Ctrl-C, and so would its children.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(jvm);
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp"));
    command.addAll(List.of(System.getProperty("java.class.path"), Cli.class.getName()));
    command.addAll(List.of(options.split(" ")));
    command.addAll(List.of(option, folder.toString()));
    return command;
  }

  private String output() throws Exception {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private void assertResumesToTheSameBits(Path folder) throws Exception {
    process = start(List.of(), RUN, "--resume", folder);
    String out = output();
    assertThat(process.waitFor()).as(out).isZero();
    assertThat(Files.readAllBytes(folder.resolve("student.safetensors"))).isEqualTo(student);
    assertThat(folder.resolve("checkpoint")).doesNotExist();
  }

  /** Seen before it happens, with the images; and where it happens, with the weights. */
  @Test
  void tooSmallAHeapIsOneLineThatSaysHowToEnlargeIt() throws Exception {
    assertHeapTooSmall("-Xmx24m", RUN, "distill-cuda: the images need 30 MiB of Java's heap");
    assertHeapTooSmall(
        "-Xmx64m",
        RUN.replace("--teacher-widths 4,6,300", "--teacher-widths 4,32,2048"),
        "distill-cuda: Java may use ");
  }

  private void assertHeapTooSmall(String heap, String options, String line) throws Exception {
    process = start(List.of(heap), options, "--out", temporary.resolve("run" + heap));
    String out = output();
    assertThat(process.waitFor()).as(out).isEqualTo(3);
    assertThat(out.lines().toList().getLast()).startsWith(line).contains("-Xmx1g");
    assertThat(out).doesNotContain("\tat ");
  }

  @Test
  void theFirstSignalSavesAndExitsWithItsCode() throws Exception {
    Path folder = temporary.resolve("run");
    process = start(List.of(), RUN, "--out", folder);
    awaitLine("teacher: ");
    signal("TERM");
    String out = output();
    assertThat(process.waitFor()).as(out).isEqualTo(143);
    assertThat(out.lines().toList().getLast())
        .matches(
            "distill-cuda: terminated after step \\d+ of the .*; saved up to %s/checkpoint/\\S+\\.ckpt, go on with run --resume %s"
                .formatted(folder, folder));
    assertResumesToTheSameBits(folder);
  }

  /** Asked while a temporary file is there, a save is finished; asked twice, it is given up. */
  @Test
  void aSaveIsFinishedAfterOneSignalAndGivenUpUnharmedAfterTwo() throws Exception {
    Path folder = temporary.resolve("run");
    process = start(List.of(), RUN, "--out", folder);
    awaitSave(folder);
    signal("INT");
    String out = output();
    assertThat(process.waitFor()).as(out).isEqualTo(130);
    assertThat(isSaving(folder)).as("a save was left unfinished").isFalse();

    process = start(List.of(), RUN, "--resume", folder);
    awaitSave(folder);
    signal("INT");
    signal("INT");
    out = output();
    assertThat(process.waitFor()).as(out).isEqualTo(130);
    assertResumesToTheSameBits(folder);
  }

  /** A disk of its own, where one may be mounted: full after the first checkpoint, then free. */
  @Test
  void aFullDiskCostsNothingButTime() throws Exception {
    Process mount =
        new ProcessBuilder("unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", temporary.toString())
            .redirectErrorStream(true)
            .start();
    String reason = new String(mount.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assumeTrue(mount.waitFor() == 0, "skipped: no disk may be mounted here: " + reason);
    Path small = Files.createDirectory(temporary.resolve("small"));
    Path folder = small.resolve("run");
    Path kept = Files.createDirectory(temporary.resolve("kept"));
    String script =
        """
        mount -t tmpfs -o size=12m tmpfs %1$s
        "$@" > %3$s/out 2>&1 &
        while ! ls %2$s/checkpoint/*.ckpt > /dev/null 2>&1; do sleep 0.01; done
        kill -STOP $!
        cat /dev/zero > %1$s/filler 2> /dev/null
        kill -CONT $!
        wait $!
        echo $? > %3$s/code
        rm %1$s/filler
        cp -r %2$s %3$s
        """
            .formatted(small, folder, kept);
    List<String> command = new ArrayList<>(List.of("unshare", "-m", "sh", "-c", script, "sh"));
    command.addAll(command(List.of(), RUN, "--out", folder));
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String shell = output();
    assertThat(process.waitFor()).as(shell).isZero();
    String out = Files.readString(kept.resolve("out"));
    assertThat(kept.resolve("code")).as(out).hasContent("6");
    assertThat(out).contains("No space left on device", "the run goes on and tries again");
    assertThat(out.lines().toList().getLast()).startsWith("distill-cuda: cannot write " + folder);
    assertResumesToTheSameBits(kept.resolve("run"));
  }

  private void awaitLine(String start) throws IOException {
    var said = process.inputReader(StandardCharsets.UTF_8);
    String line = said.readLine();
    while (line != null && !line.startsWith(start)) {
      line = said.readLine();
    }
    assertThat(line).isNotNull();
  }

  private void awaitSave(Path folder) throws Exception {
    while (!isSaving(folder)) {
      assertThat(process.isAlive()).as("ended before it saved").isTrue();
      Thread.sleep(0, 200_000);
    }
  }

  private static boolean isSaving(Path folder) {
    String[] names = folder.resolve("checkpoint").toFile().list();
    return names != null && Stream.of(names).anyMatch(name -> name.endsWith(".tmp"));
  }

  private void signal(String name) throws Exception {
    assertThat(new ProcessBuilder("kill", "-s", name, "" + process.pid()).start().waitFor())
        .isZero();
  }
}
