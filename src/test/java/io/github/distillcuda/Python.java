package io.github.distillcuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The {@code python3} of this machine, for tests that let PyTorch judge. */
public final class Python {
  /** How a program ended and what it printed on both of its streams. */
  public record Output(int status, String text) {}

  private Python() {}

  /** Runs it to its end; without a {@code python3} the status is -1. */
  public static Output run(String... arguments) throws InterruptedException {
    List<String> command = new ArrayList<>(List.of("python3"));
    command.addAll(List.of(arguments));
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
      Process process = builder.start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Output(process.waitFor(), text);
    } catch (IOException e) {
      return new Output(-1, e.getMessage());
    }
  }

  /** Returns why PyTorch cannot be asked here; empty if it can. */
  public static String reasonWithoutTorch() throws InterruptedException {
    Output torch = run("-c", "import torch, safetensors.torch, numpy");
    return torch.status() == 0
        ? ""
        : "skipped: needs a python3 with torch, safetensors and numpy: " + torch.text();
  }
}
