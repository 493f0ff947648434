package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.train.Evaluation;
import io.github.distillcuda.train.Evaluator;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Accuracy of a model file on the test images. */
@picocli.CommandLine.Command(
    name = "eval",
    description =
        "Accuracy, accuracy by class and confusion matrix of a model file on the test images.")
final class EvalCommand extends Command {
  @Option(
      names = "--model",
      paramLabel = "FILE",
      required = true,
      description = "a .safetensors or .pth file; its widths are read from its shapes")
  Path model;

  @Option(
      names = "--rename",
      paramLabel = "OLD=NEW",
      description = "the file calls parameter NEW by the name OLD; may be repeated")
  Map<String, String> renames = new LinkedHashMap<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "seed of the synthetic set (default: ${DEFAULT-VALUE})")
  long seed;

  @Mixin DataOptions data;
  @Mixin DeviceOptions device;

  EvalCommand(Session session) {
    super(session);
  }

  /** What {@code eval --json} prints. */
  record Result(
      String device,
      String precision,
      String model,
      int parameters,
      String dataset,
      int images,
      double accuracy,
      List<String> classes,
      Map<String, Double> classAccuracy,
      int[][] confusion) {}

  @Override
  public Integer call() {
    ConsoleReporter reporter = session.reporter(output);
    ModelFile file = ModelFile.inferred(model, renames, Architecture.STUDENT);
    try (Backend backend = device.open(session, reporter)) {
      ImageDataset images = data.open(seed, reporter);
      Architecture architecture = file.architecture();
      // Laid out as by a run that was given no batch size, so that it rounds as that run did.
      Network network = Network.frozen(backend, architecture, TrainingOptions.BATCH_SIZE);
      network.load(file.parameters());
      ResidentDataset test =
          backend.upload(ImageDataset.IMAGE_SHAPE, images.testImages(), images.testLabels());
      Evaluation evaluation =
          new Evaluator(backend, model.toString(), network, test, images.testLabels())
              .evaluate(done -> reporter.progress("eval", done, images.testCount()));
      Result result = result(backend.info(), architecture, images, evaluation);
      reporter.result(result, text(result));
    }
    return 0;
  }

  private Result result(
      BackendInfo info, Architecture architecture, ImageDataset images, Evaluation evaluation) {
    Map<String, Double> classAccuracy = new LinkedHashMap<>();
    double[] accuracies = evaluation.perClassAccuracy();
    for (int c = 0; c < accuracies.length; c++) {
      if (!Double.isNaN(accuracies[c])) {
        classAccuracy.put(images.classNames().get(c), accuracies[c]);
      }
    }
    return new Result(
        info.device(),
        info.precision(),
        model.toString(),
        architecture.parameterCount(),
        images.name(),
        images.testCount(),
        evaluation.accuracy(),
        images.classNames(),
        classAccuracy,
        evaluation.confusion());
  }

  private static String text(Result result) {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%s: %,d parameters, %.2f %% of %,d test images of %s, computed in %s on %s%n%n",
                result.model(),
                result.parameters(),
                100 * result.accuracy(),
                result.images(),
                result.dataset(),
                result.precision(),
                result.device()));
    text.append("rows: label, columns: prediction\n");
    for (int label = 0; label < result.confusion().length; label++) {
      Double accuracy = result.classAccuracy().get(result.classes().get(label));
      text.append(
          String.format(
              Locale.ROOT,
              "%-12s %8s ",
              result.classes().get(label),
              accuracy == null ? "-" : String.format(Locale.ROOT, "%.2f %%", 100 * accuracy)));
      for (int count : result.confusion()[label]) {
        text.append(String.format(Locale.ROOT, "%6d", count));
      }
      text.append('\n');
    }
    return text.toString().stripTrailing();
  }
}
