package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceKind;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.train.RunConfig;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which device computes, and how; {@link TrainingDeviceOptions} adds how the loss is computed. */
class DeviceOptions {
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
      defaultValue = "auto",
      description =
          "arithmetic of the layers: ${COMPLETION-CANDIDATES}; tf32 on CUDA, bf16 there and on a"
              + " CPU that has it (default: ${DEFAULT-VALUE}, which is tf32 on CUDA, else fp32)")
  Precision precision;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of --device cpu (default: all processors)")
  Integer threads;

  @Option(
      names = "--no-deterministic",
      description = "allow algorithms whose results differ from run to run")
  boolean noDeterministic;

  /** Returns how the loss is computed; commands without one have no option for it. */
  Kernels kernels() {
    return Kernels.FUSED;
  }

  /** Returns which device is asked for. */
  DeviceRequest request() {
    try {
      return DeviceRequest.parse(device);
    } catch (IllegalArgumentException e) {
      throw Ranges.usage(command, "--device: " + e.getMessage());
    }
  }

  /** Returns what the options ask for, whatever the device. */
  BackendOptions options() {
    return new BackendOptions(threads(), !noDeterministic, kernels(), layers, precision, engine);
  }

  /** Returns what a run was begun with, and the threads that are asked for now. */
  BackendOptions options(RunConfig begun) {
    return begun.backendOptions(threads());
  }

  private int threads() {
    return threads == null ? 0 : threads;
  }

  /** Checks the options, as opening the device would at first. */
  void check() {
    check(options());
  }

  private DeviceRequest check(BackendOptions options) {
    DeviceRequest request = request();
    if (threads != null) {
      Ranges.requireWithin(command, "--threads", threads, 1, 1024);
      if (request instanceof DeviceRequest.Cuda || request instanceof DeviceRequest.Reference) {
        throw Ranges.usage(command, "--threads is for --device cpu, this is --device " + device);
      }
    }
    if (request instanceof DeviceRequest.Cpu || request instanceof DeviceRequest.Reference) {
      for (String option : Backends.optionsForCuda(options)) {
        throw Ranges.usage(command, option + " is for --device cuda, this is --device " + device);
      }
      if (request instanceof DeviceRequest.Reference && precision != Precision.AUTO) {
        throw Ranges.usage(
            command, "--device reference computes in float64 only; leave out --precision");
      }
    }
    return request;
  }

  /**
   * Throws where the device that is asked for is plainly absent. Opening it would say so too, but
   * beside that the data set is opened, which may take a download.
   */
  void requirePresent(Session session, BackendOptions options) {
    session.devices().requirePresent(request(), options);
  }

  /** Checks the options and opens the device; the choice is reported as one line. */
  Backend open(Session session, ConsoleReporter reporter) {
    return open(session, reporter, options());
  }

  /** Opens the device with these options, which may be those that a run was begun with. */
  Backend open(Session session, ConsoleReporter reporter, BackendOptions options) {
    return open(session, reporter, reporter::line, options);
  }

  /** The same with the choice for {@code note}. */
  Backend open(
      Session session, ConsoleReporter reporter, Consumer<String> note, BackendOptions options) {
    Backend backend = session.devices().open(check(options), options, note);
    int processors = Runtime.getRuntime().availableProcessors();
    if (threads() > processors && backend.kind() == DeviceKind.CPU) {
      // Not refused: a run goes on to the same bits only with as many as it began with.
      reporter.warning(
          "--threads %d is more than the %d processors here, so that they wait for each other and a"
                  .formatted(threads(), processors)
              + " step may take many times as long");
    }
    return backend;
  }
}
