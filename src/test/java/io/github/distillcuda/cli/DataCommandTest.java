package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on data that need no network. */
class DataCommandTest {
  @TempDir Path temporary;

  private String out;
  private String err;

  private int run(String arguments) {
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    Session session =
        new Session(
            new PrintStream(outBytes, true, StandardCharsets.UTF_8),
            new PrintStream(errBytes, true, StandardCharsets.UTF_8),
            false,
            new StopSignal());
    int exitCode = Cli.run(session, arguments.replace("DIR", temporary.toString()).split(" +"));
    out = outBytes.toString(StandardCharsets.UTF_8);
    err = errBytes.toString(StandardCharsets.UTF_8);
    return exitCode;
  }

  @Test
  void whatIsSynthesizedIsVerified() {
    Path set = temporary.resolve("set");
    assertThat(run("data synthesize --seed 7 --to DIR/set")).as(err).isZero();
    assertThat(out.strip()).isEqualTo("the synthetic set of seed 7 is in " + set);

    assertThat(run("data verify --data-dir DIR/set")).as(err).isZero();
    assertThat(out)
        .contains("binary folder", "official  not known to be")
        .containsPattern("(?m)^stripes +5000 +1000$");
    assertThat(run("data verify --json --data-dir DIR/set")).as(err).isZero();
    JsonObject report = JsonParser.parseString(out).getAsJsonObject();
    assertThat(report.get("name").getAsString()).isEqualTo("synthetic");
    assertThat(report.getAsJsonArray("classes")).hasSize(10);
  }

  @Test
  void whatIsNotThereIsNotVerified() {
    assertThat(run("data verify --data-dir DIR/nowhere")).isEqualTo(3);
    assertThat(out).isEmpty();
    assertThat(err.lines()).singleElement().asString().contains("nowhere");
  }
}
