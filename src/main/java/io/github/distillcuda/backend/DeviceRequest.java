package io.github.distillcuda.backend;

import java.util.Locale;

/** The device a user asks for with {@code --device}. */
public sealed interface DeviceRequest {
  /** CUDA where a driver, a GPU and the libraries are there, else the CPU. */
  record Auto() implements DeviceRequest {}

  /** The CPU through oneDNN. */
  record Cpu() implements DeviceRequest {}

  /** The CPU in plain Java and float64, slow. */
  record Reference() implements DeviceRequest {}

  /** The GPU of this ordinal. */
  record Cuda(int ordinal) implements DeviceRequest {}

  /**
   * Parses {@code auto}, {@code cuda}, {@code cuda:N}, {@code cpu} or {@code reference}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static DeviceRequest parse(String text) {
    String device = text.toLowerCase(Locale.ROOT);
    if (device.matches("cuda(:\\d{1,3})?")) {
      return new Cuda(device.length() > 4 ? Integer.parseInt(device.substring(5)) : 0);
    }
    return switch (device) {
      case "auto" -> new Auto();
      case "cpu" -> new Cpu();
      case "reference" -> new Reference();
      default ->
          throw new IllegalArgumentException(
              "'" + text + "' is not a device: use auto, cuda, cuda:N, cpu or reference");
    };
  }
}
