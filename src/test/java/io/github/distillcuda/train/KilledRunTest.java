package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kill torture: runs that are killed with SIGKILL at random moments, savings included, and resumed
 * until they are done. Each leaves the bits of the run that nobody killed. The short form of {@code
 * src/test/python/kill_torture.py}, which does this to the finished program.
 */
@Timeout(600) // only ends a test that would hang
class KilledRunTest {
  private static final int RUNS = 10;

  /** Fixed, so that a failure can be looked for again, though the system's timing differs. */
  private final Random random = new Random(20261126);

  private int killed;
  private int killedInASave;

  @TempDir Path temporary;

  @Test
  void leavesTheSameBitsHoweverOftenItIsKilled() throws Exception {
    Path whole = temporary.resolve("whole");
    finish(whole);
    TreeMap<String, Object> expected = results(whole);
    for (int run = 0; run < RUNS; run++) {
      Path folder = temporary.resolve("run" + run);
      for (int kills = 1 + random.nextInt(2); kills > 0 && !isDone(folder); kills--) {
        killAtRandom(folder);
      }
      if (!isDone(folder)) {
        finish(folder);
      }
      assertThat(results(folder)).as("run %d", run).isEqualTo(expected);
    }
    System.out.printf("%d runs killed %d times, %d in a save%n", RUNS, killed, killedInASave);
    assertThat(killed).isPositive();
  }

  private static boolean isDone(Path folder) {
    return Files.exists(folder.resolve("metrics.json"));
  }

  private static Process start(Path folder) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            KilledRun.class.getName(),
            folder.toString())
        .redirectErrorStream(true)
        .start();
  }

  private static void finish(Path folder) throws Exception {
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
