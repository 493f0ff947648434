package io.github.distillcuda.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench/gpu_results.py} on made-up rows: all that a call left is appended, or nothing. */
class GpuResultsTest {
  private static final Path SCRIPT = Path.of("bench", "gpu_results.py");
  private static final String COLUMNS = "date,commit,device,operation,sizes,p50_us\n";
  private static final String ROW = "2026-01-02,0123456789ab,A GPU,copy,\"{n=1, m=2}\",1.5\n";
  private static final String PROVENANCE =
      "{\"bench\": \"provenance\", \"date\": \"2026-01-02\", \"commit\": \"0123456789ab\","
          + " \"device\": \"A GPU\", \"driver\": \"1.2\", \"versions\": \"torch 9\"}\n";
  private static final String LAYER =
      "{\"bench\": \"layer\", \"network\": \"student\", \"layer\": \"fc1\", \"direction\":"
          + " \"forward\", \"layout\": \"nhwc\", \"precision\": \"tf32\", \"batch\": 64,"
          + " \"us\": 2.5, \"p10\": 2, \"p90\": 3, \"n\": 7}\n";
  private static final String LAYER_COLUMNS =
      "date,commit,device,driver,versions,network,layer,direction,layout,precision,batch,n,p10_us,"
          + "p50_us,p90_us,error\n";
  private static final String LAYER_ROW =
      "2026-01-02,0123456789ab,A GPU,1.2,torch 9,student,fc1,forward,nhwc,tf32,64,7,2,2.5,3,\n";

  @TempDir Path folder;
  @TempDir Path results;

  /**
   * What the script did.
   *
   * @param text all that it printed
   */
  private record Outcome(int exit, String text) {}

  @BeforeEach
  void requirePython() throws IOException, InterruptedException {
    boolean found;
    try {
      found = start("--version").waitFor() == 0;
    } catch (IOException e) {
      found = false;
    }
    if (!found) {
      System.out.println("GpuResultsTest is skipped: there is no python3 here");
    }
    Assumptions.assumeTrue(found, "there is no python3 here");
  }

  private static Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("python3"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private Outcome append(String... options) throws IOException, InterruptedException {
    List<String> arguments =
        new ArrayList<>(
            List.of(SCRIPT.toString(), folder.toString(), "--results", results.toString()));
    arguments.addAll(List.of(options));
    Process process = start(arguments.toArray(String[]::new));
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), text);
  }

  private void leave(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  private String result(String name) throws IOException {
    return Files.readString(results.resolve(name));
  }

  private void assertNothingIsWritten() throws IOException {
    try (Stream<Path> files = Files.list(results)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void rowsKeepTheStampOfTheirKit() throws Exception {
    leave("kernels.csv", COLUMNS + ROW);
    leave("wide.csv", COLUMNS + ROW.replace("1.5", "1.6"));
    leave("layers.jsonl", PROVENANCE + "a warning\n" + LAYER);

    assertThat(append().exit()).isZero();

    assertThat(result("gpu-kernels.csv")).isEqualTo(COLUMNS + ROW + ROW.replace("1.5", "1.6"));
    assertThat(result("gpu-layer-peers.csv")).isEqualTo(LAYER_COLUMNS + LAYER_ROW);
  }

  @Test
  void pytorchsSideAloneIsEnough() throws Exception {
    leave("layers.jsonl", PROVENANCE + LAYER);
    assertThat(append().exit()).isZero();
    assertThat(result("gpu-layer-peers.csv")).isEqualTo(LAYER_COLUMNS + LAYER_ROW);
  }

  @Test
  void whatALimitCutOffIsNamedAndLeftOut() throws Exception {
    leave("kernels.csv", COLUMNS + ROW + ROW.substring(0, ROW.length() - 2));
    leave("wide.csv", COLUMNS + ROW.replace("copy", "loss") + "2026-01-02,0123");
    leave("runs.csv", "date,com");
    leave("layers.jsonl", PROVENANCE + LAYER + LAYER.substring(0, 40));

    Outcome outcome = append();

    assertThat(outcome.exit()).isZero();
    assertThat(outcome.text())
        .contains("kernels.csv line 3 is cut off", "wide.csv line 3 is", "layers.jsonl line 3 is");
    assertThat(result("gpu-kernels.csv")).isEqualTo(COLUMNS + ROW + ROW.replace("copy", "loss"));
    assertThat(result("gpu-layer-peers.csv")).isEqualTo(LAYER_COLUMNS + LAYER_ROW);
  }

  @Test
  void whatIsThereAlreadyIsRefusedAndNothingIsAppended() throws Exception {
    leave("kernels.csv", COLUMNS + ROW);
    assertThat(append().exit()).isZero();
    leave("layers.jsonl", PROVENANCE + LAYER);

    Outcome again = append();

    assertThat(again.exit()).isNotZero();
    assertThat(again.text()).contains("1 of these rows are in", "nothing was appended");
    assertThat(result("gpu-kernels.csv")).isEqualTo(COLUMNS + ROW);
    assertThat(results.resolve("gpu-layer-peers.csv")).doesNotExist();
  }

  @Test
  void uncommittedChangesAreRefusedUnlessAskedFor() throws Exception {
    String dirty = ROW.replace("9ab", "9ab-dirty");
    leave("kernels.csv", COLUMNS + dirty);
    leave("layers.jsonl", PROVENANCE + LAYER);

    assertThat(append().text()).contains("0123456789ab-dirty").contains("nothing was appended");
    assertNothingIsWritten();
    assertThat(append("--allow-dirty").exit()).isZero();
    assertThat(result("gpu-kernels.csv")).isEqualTo(COLUMNS + dirty);
  }

  @Test
  void rowsOfOtherColumnsOrOfNowhereAreRefused() throws Exception {
    assertThat(append().text()).contains("no rows in");
    leave("layers.jsonl", LAYER);
    assertThat(append().text()).contains("does not say in its first line");
    leave("layers.jsonl", PROVENANCE.replace("0123456789ab", "unknown") + LAYER);
    assertThat(append().text()).contains("do not say of which commit");
    leave("layers.jsonl", PROVENANCE + LAYER);
    leave("kernels.csv", COLUMNS + ROW);
    leave("wide.csv", COLUMNS.replace("sizes", "shape") + ROW);
    assertThat(append().text()).contains("has the columns");
    assertNothingIsWritten();
  }
}
