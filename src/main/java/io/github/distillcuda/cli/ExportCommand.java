package io.github.distillcuda.cli;

import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.checkpoint.StateDict;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Converts a model file. */
@picocli.CommandLine.Command(
    name = "export",
    description = "Converts a model file to PyTorch's format or to safetensors, in float32.")
final class ExportCommand extends Command {
  enum Format {
    pth,
    safetensors
  }

  @Option(
      names = "--model",
      paramLabel = "FILE",
      required = true,
      description = "the model file to convert")
  Path model;

  @Option(
      names = "--to",
      required = true,
      description = "the format to write: ${COMPLETION-CANDIDATES}")
  Format format;

  @Option(
      names = "--rename",
      paramLabel = "OLD=NEW",
      description = "write tensor OLD under the name NEW; may be repeated")
  Map<String, String> renames = new LinkedHashMap<>();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "the file to write (default: beside the model, with the format's ending)")
  Path out;

  ExportCommand(Session session) {
    super(session);
  }

  @Override
  public Integer call() {
    List<NamedArray> arrays = StateDict.renamed(model, ModelFiles.read(model), renames);
    Path target = out != null ? out : besideModel();
    if (!target.toString().endsWith("." + format)) {
      throw Ranges.usage(spec, "--out %s: must end in .%s".formatted(target, format));
    }
    if (Files.exists(target)) {
      throw new DistillException(
          ExitCode.USAGE, target + " exists and is left as it is; choose another --out");
    }
    ModelFiles.write(target, arrays);
    int elements = arrays.stream().mapToInt(array -> array.shape().elements()).sum();
    session
        .reporter(output)
        .result(
            Map.of("file", target.toString(), "tensors", arrays.size(), "elements", elements),
            "%s: %d tensors, %,d elements".formatted(target, arrays.size(), elements));
    return 0;
  }

  private Path besideModel() {
    String name = model.getFileName().toString().replaceFirst("\\.[A-Za-z]+$", "");
    return model.resolveSibling(name + "." + format);
  }
}
