package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on data that need no network. */
class DataCommandTest {
  @TempDir Path temporary;

  private Outcome run(String command) {
    return new Shell(temporary).run(command);
  }

  @Test
  void whatIsSynthesizedIsVerified() {
    Path set = temporary.resolve("set");
    assertThat(run("data synthesize --seed 7 --to DIR/set").exits(0).out().strip())
        .isEqualTo("the synthetic set of seed 7 is in " + set);

    assertThat(run("data verify --data-dir DIR/set").exits(0).out())
        .contains("binary folder", "official  not known to be")
        .containsPattern("(?m)^stripes +5000 +1000$");
    JsonObject report = run("data verify --json --data-dir DIR/set").exits(0).json();
    assertThat(report.get("name").getAsString()).isEqualTo("synthetic");
    assertThat(report.getAsJsonArray("classes")).hasSize(10);
  }

  @Test
  void whatIsNotThereIsNotVerified() {
    Outcome refused = run("data verify --data-dir DIR/nowhere").exits(3);
    assertThat(refused.out()).isEmpty();
    assertThat(refused.err().lines()).singleElement().asString().contains("nowhere");
  }
}
