package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Kill torture: runs that are killed with SIGKILL at random moments, savings included, and resumed
 * until they are done. Each leaves the bits of the run that nobody killed. The short form of {@code
 * src/test/python/kill_torture.py}, which does this to the finished program.
 */
@Timeout(600) // only ends a test that would hang
class KilledRunTest {
  /** Fixed, so that a failure can be looked for again, though the system's timing differs. */
  private final Random random = new Random(20261126);

  private int killed;
  private int killedInASave;

  @TempDir Path temporary;

  private String device;

  /** On an emulated GPU few: each takes seconds. */
  @ParameterizedTest
  @CsvSource({"cpu, 10", "cuda, 3"})
  void leavesTheSameBitsHoweverOftenItIsKilled(String on, int runs) throws Exception {
    device = on;
    Path whole = temporary.resolve("whole");
    finish(whole);
    TreeMap<String, Object> expected = results(whole);
    for (int run = 0; run < runs; run++) {
      Path folder = temporary.resolve("run" + run);
      for (int kills = 1 + random.nextInt(2); kills > 0 && !isDone(folder); kills--) {
        killAtRandom(folder);
      }
      if (!isDone(folder)) {
        finish(folder);
      }
      assertThat(results(folder)).as("run %d", run).isEqualTo(expected);
    }
    System.out.printf(
        "%s: %d runs killed %d times, %d in a save%n", device, runs, killed, killedInASave);
    assertThat(killed).isPositive();
  }

  /** On the CPU the program itself is asked, in {@code ProgramTest}. */
  @Test
  void asksAnEmulatedGpuToStopAndGoesOnToTheSameBits() throws Exception {
    device = "cuda";
    Path whole = temporary.resolve("whole");
    finish(whole);
    TreeMap<String, Object> expected = results(whole);
    for (Map.Entry<String, Integer> signal : Map.of("INT", 130, "TERM", 143).entrySet()) {
      Path folder = temporary.resolve(signal.getKey());
      Process process = start(folder);
      List<String> said;
      try (BufferedReader lines = process.inputReader()) {
        String line = lines.readLine();
        while (line != null && !line.equals("baseline")) {
          line = lines.readLine();
        }
        new ProcessBuilder("kill", "-s", signal.getKey(), "" + process.pid()).start().waitFor();
        said = lines.lines().toList();
      }
      assertThat(process.waitFor()).as("%s", said).isEqualTo(signal.getValue());
      assertThat(said.getLast()).contains(" after step ");
      assertThat(isSaving(folder)).isFalse();
      finish(folder);
      assertThat(results(folder)).as(signal.getKey()).isEqualTo(expected);
    }
  }

  private static boolean isDone(Path folder) {
    return Files.exists(folder.resolve("metrics.json"));
  }

  private Process start(Path folder) throws IOException {
    return new ProcessBuilder(
            // What a shell runs in the background ignores Ctrl-C, and so would its children.
            "env",
            "--default-signal=INT",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            KilledRun.class.getName(),
            folder.toString(),
            device)
        .redirectErrorStream(true)
        .start();
  }

  private void finish(Path folder) throws Exception {
    Process process = start(folder);
    String said = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(said).isZero();
    assertThat(isDone(folder)).isTrue();
  }

  /**
   * Starts or resumes the run, lets it get somewhere, and kills it: at any moment of training, or
   * in the middle of a save, that is while a temporary file is there.
   */
  private void killAtRandom(Path folder) throws Exception {
    Process process = start(folder);
    try (BufferedReader said = process.inputReader()) {
      String line = said.readLine();
      for (int lines = random.nextInt(10); lines > 0 && line != null; lines--) {
        line = said.readLine();
      }
      if (random.nextBoolean()) {
        while (process.isAlive() && !isSaving(folder)) {
          TimeUnit.MICROSECONDS.sleep(100);
        }
      } else {
        TimeUnit.MICROSECONDS.sleep(random.nextInt(100_000));
      }
      boolean alive = process.isAlive();
      process.destroyForcibly();
      assertThat(process.waitFor()).isIn(128 + 9, 0);
      killed += alive ? 1 : 0;
      killedInASave += isSaving(folder) ? 1 : 0;
    }
  }

  /** What is there after a death was being written then: the next start removes it. */
  private static boolean isSaving(Path folder) {
    for (Path written : List.of(folder, folder.resolve("checkpoint"))) {
      String[] names = written.toFile().list();
      if (names != null && Stream.of(names).anyMatch(name -> name.endsWith(".tmp"))) {
        return true;
      }
    }
    return false;
  }

  /** What a run leaves but for times: the bytes of its models, its history and its metrics. */
  private static TreeMap<String, Object> results(Path folder) throws IOException {
    TreeMap<String, Object> results = new TreeMap<>();
    for (ModelRole role : ModelRole.values()) {
      for (String ending : List.of(".safetensors", ".pth")) {
        Path file = folder.resolve(role + ending);
        results.put(file.getFileName().toString(), ByteBuffer.wrap(Files.readAllBytes(file)));
      }
    }
    results.put(
        "history",
        Files.readAllLines(folder.resolve("history.csv")).stream()
            .map(line -> line.replaceFirst(",[^,]*,[^,]*$", ""))
            .toList());
    results.put(
        "metrics",
        Files.readAllLines(folder.resolve("metrics.json")).stream()
            .filter(line -> !line.contains("Seconds\""))
            .toList());
    return results;
  }
}
