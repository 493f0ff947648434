package io.github.distillcuda.backend;

import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.Locale;
import java.util.function.Consumer;

/** The one place that knows which backends there are and chooses among them. */
public final class Backends {
  private static final String NO_CUDA = "no CUDA backend is built into this version";

  private Backends() {}

  /**
   * Opens the device that was asked for on the calling thread. An explicit request never falls
   * back; {@link DeviceRequest.Auto} says in one line what it chose and why.
   *
   * @param note receives that line
   * @throws DistillException DEVICE if the device is absent or not supported here
   */
  public static Backend select(
      DeviceRequest request, BackendOptions options, Consumer<String> note) {
    return switch (request) {
      case DeviceRequest.Cuda(int ordinal) ->
          throw new DistillException(
              ExitCode.DEVICE,
              "--device cuda:%d: %s; use --device cpu".formatted(ordinal, NO_CUDA));
      case DeviceRequest.Reference() -> new ReferenceBackend(options);
      case DeviceRequest.Cpu() -> cpu(options);
      case DeviceRequest.Auto() -> {
        Backend backend = cpu(options);
        note.accept("device: " + backend.info().device() + "; not CUDA: " + NO_CUDA);
        yield backend;
      }
    };
  }

  private static Backend cpu(BackendOptions options) {
    String system = System.getProperty("os.name");
    String processor = System.getProperty("os.arch");
    boolean supported =
        system.toLowerCase(Locale.ROOT).startsWith("linux") && processor.equals("amd64");
    if (!supported) {
      throw new DistillException(
          ExitCode.DEVICE,
          "%s on %s is not supported, Linux on x86_64 is; --device reference runs here, slowly"
              .formatted(system, processor));
    }
    return new OnednnBackend(options);
  }
}
