package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.train.RunConfig;
import java.util.Locale;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which device computes, and how. */
final class DeviceOptions {
  enum Engine {
    auto,
    panama,
    jcuda
  }

  enum Kernels {
    fused,
    unfused,
    eager
  }

  enum Layers {
    cudnn,
    fused
  }

  enum Precision {
    fp32,
    tf32,
    bf16
  }

  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "auto, cuda, cuda:N, cpu or reference (default: ${DEFAULT-VALUE})")
  String device;

  @Option(
      names = "--engine",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "bindings to CUDA: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  Engine engine;

  @Option(
      names = "--kernels",
      paramLabel = "KIND",
      defaultValue = "fused",
      description = "distillation loss: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  Kernels kernels;

  @Option(
      names = "--layers",
      paramLabel = "KIND",
      defaultValue = "cudnn",
      description =
          "bias, activation and pooling by the library or by own kernels:"
              + " ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  Layers layers;

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      description =
          "arithmetic of the layers: ${COMPLETION-CANDIDATES}; tf32 on CUDA, bf16 there and on a"
              + " CPU that has it (default: tf32 on CUDA, else fp32)")
  Precision precision;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads (default: all processors)")
  Integer threads;

  @Option(
      names = "--no-deterministic",
      description = "allow algorithms whose results differ from run to run")
  boolean noDeterministic;

  /**
   * Throws where the device that is asked for is plainly absent: before something is done beside
   * opening it that may take long.
   */
  void requirePresent(Session session) {
    session.devices().requirePresent(request(), options());
  }

  /** As {@link #requirePresent(Session)} for a run that was begun with other options. */
  void requirePresent(Session session, RunConfig begun) {
    session.devices().requirePresent(request(), options(begun));
  }

  /** Checks the options and opens the device; the choice goes to {@code note} as one line. */
  Backend open(Session session, Consumer<String> note) {
    return open(session, note, options());
  }

  /**
   * Opens the device as {@link #open(Session, Consumer)} for a run that was begun with other
   * options.
   */
  Backend open(Session session, Consumer<String> note, RunConfig begun) {
    return open(session, note, options(begun));
  }

  private BackendOptions options(RunConfig begun) {
    return new BackendOptions(
        options().threads(),
        begun.deterministic(),
        BackendOptions.Kernels.valueOf(upperCase(begun.kernels())),
        BackendOptions.Layers.valueOf(upperCase(begun.layers())),
        BackendOptions.Precision.valueOf(upperCase(begun.precision())),
        BackendOptions.Engine.valueOf(upperCase(begun.engine())));
  }

  private Backend open(Session session, Consumer<String> note, BackendOptions options) {
    return session.devices().open(check(options), options, note);
  }

  /** Checks the options, as opening the device would at first. */
  void check() {
    check(options());
  }

  /** Returns which device is asked for. */
  DeviceRequest request() {
    try {
      return DeviceRequest.parse(device);
    } catch (IllegalArgumentException e) {
      throw Ranges.usage(command, "--device: " + e.getMessage());
    }
  }

  private DeviceRequest check(BackendOptions options) {
    DeviceRequest request = request();
    if (threads != null) {
      Ranges.requireWithin(command, "--threads", threads, 1, 1024);
    }
    if (request instanceof DeviceRequest.Cpu || request instanceof DeviceRequest.Reference) {
      for (String option : Backends.optionsForCuda(options)) {
        throw Ranges.usage(command, option + " is for --device cuda, this is --device " + device);
      }
      if (request instanceof DeviceRequest.Reference && precision != null) {
        throw Ranges.usage(command, "--device reference computes in float64 alone");
      }
    }
    return request;
  }

  /** Returns what the options ask for, whatever the device. */
  BackendOptions options() {
    return new BackendOptions(
        threads == null ? 0 : threads,
        !noDeterministic,
        BackendOptions.Kernels.valueOf(upperCase(kernels.name())),
        BackendOptions.Layers.valueOf(upperCase(layers.name())),
        precision == null
            ? BackendOptions.Precision.AUTO
            : BackendOptions.Precision.valueOf(upperCase(precision.name())),
        BackendOptions.Engine.valueOf(upperCase(engine.name())));
  }

  private static String upperCase(String word) {
    return word.toUpperCase(Locale.ROOT);
  }
}
