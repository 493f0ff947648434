package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.failure.DistillException;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Mixin;

/** What this machine offers and what would be chosen. */
@picocli.CommandLine.Command(
    name = "info",
    description = "What this machine offers, what would be chosen, and why.")
final class InfoCommand extends Command {
  @Mixin TrainingDeviceOptions device;

  InfoCommand(Session session) {
    super(session);
  }

  @Override
  public Integer call() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("distill-cuda", Version.program());
    facts.put("java", Runtime.version() + " at " + System.getProperty("java.home"));
    facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    facts.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
    facts.put(
        "heap",
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getMax() / 1_000_000
            + " MB at most");
    ConsoleReporter reporter = session.reporter(output);
    DistillException absent = null;
    try (Backend backend =
        device.open(session, reporter, line -> facts.put("choice", line), device.options())) {
      facts.put("device", backend.info().device());
      facts.put("engine", backend.info().engine());
      facts.put("precision", backend.info().precision());
      facts.put("layers", backend.info().layers());
      facts.put("kernels", backend.info().kernels());
      facts.putAll(backend.details());
    } catch (DistillException e) {
      facts.put("device", "none: " + e.getMessage());
      absent = e;
    }
    facts.putAll(session.devices().surveyCuda());
    reporter.result(facts, table(facts));
    if (absent != null) {
      throw absent; // the facts are printed, standard error still says why this fails
    }
    return 0;
  }

  /** Two columns; a value of several lines stays in its own. */
  private static String table(Map<String, String> facts) {
    int width = facts.keySet().stream().mapToInt(String::length).max().orElseThrow() + 2;
    return facts.entrySet().stream()
        .map(
            fact ->
                ("%-" + width + "s%s")
                    .formatted(
                        fact.getKey(), fact.getValue().replace("\n", "\n" + " ".repeat(width))))
        .collect(Collectors.joining("\n"));
  }
}
