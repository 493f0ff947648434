package io.github.distillcuda.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/**
 * Where the teacher comes from and when it runs. An object that picocli did not fill has the
 * defaults.
 */
final class TeacherOptions {
  @Option(
      names = "--teacher",
      paramLabel = "FILE",
      description = "take the teacher from this .safetensors or .pth file, do not train it")
  Path file;

  @Option(
      names = "--rename",
      paramLabel = "OLD=NEW",
      description = "the file calls parameter NEW by the name OLD; may be repeated")
  Map<String, String> renames = new LinkedHashMap<>();

  @Option(
      names = "--recompute-teacher",
      description = "run the teacher in every step instead of caching its logits")
  boolean recompute;
}
