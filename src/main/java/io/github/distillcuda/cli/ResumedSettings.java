package io.github.distillcuda.cli;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.github.distillcuda.train.ModelRole;
import io.github.distillcuda.train.RunConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A resumed run keeps the settings it began with. An option that is given again must say the same;
 * options that are not given are not compared with their defaults.
 */
final class ResumedSettings {
  /** The field of {@link RunConfig} that each option sets. */
  private static final Map<String, String> FIELDS =
      Map.ofEntries(
          Map.entry("--T", "temperature"),
          Map.entry("--alpha", "alpha"),
          Map.entry("--epochs", "epochs"),
          Map.entry("--teacher-epochs", "teacherEpochs"),
          Map.entry("--batch-size", "batchSize"),
          Map.entry("--lr", "learningRate"),
          Map.entry("--seed", "seed"),
          Map.entry("--teacher-widths", "teacher"),
          Map.entry("--student-widths", "student"),
          Map.entry("--teacher", "teacherSha256"),
          Map.entry("--rename", "teacherRenames"),
          Map.entry("--recompute-teacher", "recomputeTeacher"),
          Map.entry("--no-baseline", "models"),
          Map.entry("--data", "data"),
          Map.entry("--subset", "subset"),
          Map.entry("--no-deterministic", "deterministic"),
          Map.entry("--kernels", "kernels"),
          Map.entry("--layers", "layers"),
          Map.entry("--precision", "precision"),
          Map.entry("--engine", "engine"));

  private ResumedSettings() {}

  /**
   * Refuses options that differ from the run's.
   *
   * @param asked the configuration that the command line asks for
   * @param begun the configuration of the run
   */
  static void requireSame(CommandSpec command, RunConfig asked, RunConfig begun) {
    Gson gson = new Gson();
    JsonObject asking = gson.toJsonTree(asked).getAsJsonObject();
    JsonObject beginning = gson.toJsonTree(begun).getAsJsonObject();
    boolean trainsTeacherAlone = begun.models().equals(Set.of(ModelRole.TEACHER));
    List<String> differences = new ArrayList<>();
    for (OptionSpec option : command.commandLine().getParseResult().matchedOptions()) {
      String name = option.names()[0];
      String field =
          trainsTeacherAlone && name.equals("--epochs") ? "teacherEpochs" : FIELDS.get(name);
      JsonElement now = field == null ? null : asking.get(field);
      JsonElement then = field == null ? null : beginning.get(field);
      if (now != null && !now.equals(then)) {
        differences.add("%s: %s, the run began with %s".formatted(name, now, then));
      }
    }
    if (!differences.isEmpty()) {
      throw Ranges.usage(
          command,
          "--resume needs the settings that the run began with; these differ: "
              + String.join("; ", differences));
    }
  }
}
