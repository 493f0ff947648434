package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/**
 * What came of a command in a {@link Shell}.
 *
 * @param out all that it printed to standard output
 * @param err all that it printed to standard error
 */
record Outcome(int exitCode, String out, String err) {
  /** Checks the exit code; where it is another, what was printed says why. */
  Outcome exits(int expected) {
    assertThat(exitCode).as(() -> out + err).isEqualTo(expected);
    return this;
  }

  /** Returns standard output as the one object that it holds. */
  JsonObject json() {
    return JsonParser.parseString(out).getAsJsonObject();
  }
}
