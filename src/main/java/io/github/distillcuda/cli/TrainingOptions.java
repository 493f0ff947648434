package io.github.distillcuda.cli;

import io.github.distillcuda.nn.Architecture;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How models are trained and where the run folder goes. */
final class TrainingOptions {
  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = {"--T", "--temperature"},
      paramLabel = "T",
      defaultValue = "5",
      description = "temperature of the softened outputs (default: ${DEFAULT-VALUE})")
  double temperature;

  @Option(
      names = "--alpha",
      paramLabel = "A",
      defaultValue = "0.7",
      description =
          "weight of the distillation term; 1 - A weighs the labels (default: ${DEFAULT-VALUE})")
  double alpha;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "10",
      description = "epochs of baseline and student (default: ${DEFAULT-VALUE})")
  int epochs;

  @Option(
      names = "--teacher-epochs",
      paramLabel = "N",
      defaultValue = "10",
      description = "epochs of the teacher (default: ${DEFAULT-VALUE})")
  int teacherEpochs;

  @Option(
      names = {"--batch-size", "--batch_size"},
      paramLabel = "N",
      defaultValue = "64",
      description = "images of a step (default: ${DEFAULT-VALUE})")
  int batchSize;

  @Option(
      names = {"--lr", "--learning-rate"},
      paramLabel = "X",
      defaultValue = "1e-3",
      description = "Adam's step size (default: ${DEFAULT-VALUE})")
  double learningRate;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "seed of initial weights and orders (default: ${DEFAULT-VALUE})")
  long seed;

  @Option(
      names = "--teacher-widths",
      paramLabel = "A,B,C",
      defaultValue = "64,128,256",
      description = "the teacher's conv1, conv2 and fc1 outputs (default: ${DEFAULT-VALUE})")
  String teacherWidths;

  @Option(
      names = "--student-widths",
      paramLabel = "A,B,C",
      defaultValue = "32,64,128",
      description = "the student's conv1, conv2 and fc1 outputs (default: ${DEFAULT-VALUE})")
  String studentWidths;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "the run folder (default: runs/<date-time>)")
  Path out;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "go on with the interrupted run in this folder")
  Path resume;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "1",
      description = "epochs between checkpoints (default: ${DEFAULT-VALUE})")
  int saveEvery;

  void check() {
    Ranges.requireWithin(command, "--T", temperature, 1e-3, 1e6);
    Ranges.requireWithin(command, "--alpha", alpha, 0, 1);
    Ranges.requireWithin(command, "--epochs", epochs, 1L, 100_000L);
    Ranges.requireWithin(command, "--teacher-epochs", teacherEpochs, 1L, 100_000L);
    Ranges.requireWithin(command, "--batch-size", batchSize, 1L, 50_000L);
    Ranges.requireWithin(command, "--lr", learningRate, 1e-12, 10);
    Ranges.requireWithin(command, "--save-every", saveEvery, 1L, 100_000L);
    if (out != null && resume != null) {
      throw Ranges.usage(command, "--out and --resume exclude each other; --resume names the run");
    }
  }

  Architecture teacher() {
    return architecture("--teacher-widths", teacherWidths);
  }

  Architecture student() {
    return architecture("--student-widths", studentWidths);
  }

  private Architecture architecture(String option, String widths) {
    if (!widths.matches("\\d{1,4},\\d{1,4},\\d{1,4}")) {
      throw Ranges.usage(
          command, option + " " + widths + ": must be three numbers such as 64,128,256");
    }
    String[] parts = widths.split(",");
    int[] outputs = new int[parts.length];
    for (int i = 0; i < parts.length; i++) {
      outputs[i] = Integer.parseInt(parts[i]);
      Ranges.requireWithin(command, option, outputs[i], 1L, 4096L);
    }
    return new Architecture(outputs[0], outputs[1], outputs[2], Architecture.CIFAR10_CLASSES);
  }
}
