package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.Verification;
import io.github.distillcuda.train.Verification.Check;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Mixin;

/** Shows that a device computes what PyTorch computes. */
@picocli.CommandLine.Command(
    name = "verify",
    description =
        "Compares the device with stored PyTorch numbers: the loss alone, Adam alone and a short"
            + " training.")
final class VerifyCommand extends Command {
  @Mixin TrainingDeviceOptions device;

  VerifyCommand(Session session) {
    super(session);
  }

  /** What {@code verify --json} prints. */
  record Result(String device, String precision, boolean passed, List<Check> checks) {}

  @Override
  public Integer call() {
    ConsoleReporter reporter = session.reporter(output);
    try (Backend backend = device.open(session, reporter)) {
      List<Check> checks = Verification.run(backend, part -> reporter.line("comparing " + part));
      Result result =
          new Result(
              backend.info().device(),
              backend.info().precision(),
              checks.stream().allMatch(Check::passed),
              checks);
      reporter.result(result, text(result));
      requirePassed(result);
    }
    return 0;
  }

  private static void requirePassed(Result result) {
    List<Check> wrong = result.checks().stream().filter(check -> !check.passed()).toList();
    if (!wrong.isEmpty()) {
      throw new DistillException(
          ExitCode.DEVICE,
          String.format(
              Locale.ROOT,
              "%s does not agree with PyTorch in %s: %d of %d comparisons are off, the first is"
                  + " \"%s\" by %.1e, allowed are %.0e; train with another --precision or"
                  + " --device, and report this",
              result.device(),
              result.precision(),
              wrong.size(),
              result.checks().size(),
              wrong.getFirst().name(),
              wrong.getFirst().largestError(),
              wrong.getFirst().allowed()));
    }
  }

  private static String text(Result result) {
    StringBuilder text = new StringBuilder();
    for (Check check : result.checks()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-46s largest error %.1e, allowed %.0e  %s%n",
              check.name(),
              check.largestError(),
              check.allowed(),
              check.passed() ? "ok" : "WRONG"));
    }
    return text.append(result.device())
        .append(result.passed() ? " agrees with PyTorch" : " DOES NOT AGREE with PyTorch")
        .append(", computing in ")
        .append(result.precision())
        .toString();
  }
}
