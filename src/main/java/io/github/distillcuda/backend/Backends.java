package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.cuda.CudaDevice;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.cuda.CudaSurvey;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaBinding;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import io.github.distillcuda.ffi.ProcessExit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The one place that knows which backends there are and chooses among them. An instance finds and
 * links the driver of CUDA once, however often it is asked.
 */
public final class Backends {
  private final CudaLibraries libraries = new CudaLibraries();

  /** Prepares to look through this system, and looks for nothing yet. */
  public Backends() {}

  /**
   * Opens the device that was asked for on the calling thread. An explicit request never falls
   * back; {@link DeviceRequest.Auto} says in one line what it chose and why.
   *
   * @param note receives that line, and one for each library of CUDA that another engine calls than
   *     was asked for
   * @throws DistillException DEVICE if the device is absent, not supported here, or lacks an option
   */
  public Backend select(DeviceRequest request, BackendOptions options, Consumer<String> note) {
    return select(request, options, note, () -> engine(options.engine(), note));
  }

  /**
   * Opens the device that was asked for.
   *
   * @param engine links the libraries of CUDA, those of this system or others
   */
  static Backend select(
      DeviceRequest request,
      BackendOptions options,
      Consumer<String> note,
      Supplier<CudaEngine> engine) {
    return switch (request) {
      case DeviceRequest.Cuda(int ordinal) ->
          explicitly(ordinal, () -> cuda(ordinal, options, engine));
      case DeviceRequest.Reference() -> new ReferenceBackend(options);
      case DeviceRequest.Cpu() -> cpu(options);
      case DeviceRequest.Auto() -> auto(options, note, engine);
    };
  }

  /**
   * Checks that a GPU which is demanded is there, before something that takes long: throws what
   * {@link #select} would without a driver, without a GPU of that number, or with one that is too
   * old. Asks the driver alone and opens no context.
   */
  public void requirePresent(DeviceRequest request, BackendOptions options) {
    requirePresent(request, options, libraries::driver);
  }

  static void requirePresent(
      DeviceRequest request, BackendOptions options, Supplier<CudaDriverApi> driver) {
    switch (request) {
      case DeviceRequest.Cuda(int ordinal) ->
          explicitly(ordinal, () -> supported(driver.get(), ordinal));
      case DeviceRequest.Auto() when !optionsForCuda(options).isEmpty() -> {
        try {
          supported(driver.get(), 0);
        } catch (DistillException e) {
          throw needsCuda(options, e);
        }
      }
      default -> {}
    }
  }

  private static CudaDevice supported(CudaDriverApi driver, int ordinal) {
    CudaDevice device = CudaDevice.of(driver, ordinal);
    device.requireSupported();
    return device;
  }

  /**
   * Returns the options that differ from their defaults and apply to CUDA only, as typed on the
   * command line.
   */
  public static List<String> optionsForCuda(BackendOptions options) {
    List<String> names = new ArrayList<>();
    if (options.engine() != Engine.AUTO) {
      names.add("--engine " + options.engine());
    }
    if (options.kernels() != Kernels.FUSED) {
      names.add("--kernels " + options.kernels());
    }
    if (options.layers() != Layers.CUDNN) {
      names.add("--layers " + options.layers());
    }
    if (options.precision() == Precision.TF32) {
      names.add("--precision " + options.precision());
    }
    return names;
  }

  /**
   * Returns what there is of CUDA: its GPUs, and each of its libraries with every place that was
   * tried and what the loader said.
   */
  public Map<String, String> surveyCuda() {
    return CudaSurvey.of(libraries);
  }

  /**
   * Ends the process at once, whatever its devices are doing. The exit handler of a driver may wait
   * for ever for a GPU that hangs, and {@link System#exit} and {@link Runtime#halt} for the
   * handler. Does not return; what was printed and not flushed is lost.
   *
   * @param status what the parent process is told
   */
  public static void abandon(int status) {
    ProcessExit.immediately(status);
  }

  private static Backend auto(
      BackendOptions options, Consumer<String> note, Supplier<CudaEngine> engine) {
    Backend backend;
    String choice;
    try {
      backend = cuda(0, options, engine);
      choice = "the first of the GPUs";
    } catch (DistillException e) {
      if (e.exitCode() != ExitCode.DEVICE) {
        throw e;
      }
      if (!optionsForCuda(options).isEmpty()) {
        throw needsCuda(options, e);
      }
      backend = cpu(options);
      choice = "not CUDA: " + e.getMessage();
    }
    note.accept("device: %s; %s".formatted(backend.info().device(), choice));
    return backend;
  }

  private static DistillException needsCuda(BackendOptions options, DistillException reason) {
    return new DistillException(
        ExitCode.DEVICE,
        "%s needs CUDA: %s".formatted(optionsForCuda(options).getFirst(), reason.getMessage()),
        reason);
  }

  /** Returns what was asked for by its number; a failure suggests the CPU instead. */
  private static <T> T explicitly(int ordinal, Supplier<T> wanted) {
    try {
      return wanted.get();
    } catch (DistillException e) {
      throw e.exitCode() == ExitCode.DEVICE
          ? new DistillException(
              ExitCode.DEVICE,
              "--device cuda:%d: %s; or use --device cpu".formatted(ordinal, e.getMessage()),
              e)
          : e;
    }
  }

  private static Backend cuda(int ordinal, BackendOptions options, Supplier<CudaEngine> engine) {
    return new CudaBackend(engine.get(), ordinal, options);
  }

  private CudaEngine engine(Engine choice, Consumer<String> note) {
    if (choice != Engine.JCUDA) {
      return CudaEngine.panama(libraries);
    }
    CudaLibraries throughJcuda = new CudaLibraries(CudaBinding.JCUDA);
    CudaEngine jcuda = CudaEngine.jcuda(throughJcuda);
    throughJcuda.notices().forEach(note);
    return jcuda;
  }

  private static Backend cpu(BackendOptions options) {
    requireSupported(System.getProperty("os.name"), System.getProperty("os.arch"));
    return new OnednnBackend(options);
  }

  /** Throws unless oneDNN is shipped for this system and processor, named as Java names them. */
  static void requireSupported(String system, String processor) {
    if (!system.toLowerCase(Locale.ROOT).startsWith("linux") || !processor.equals("amd64")) {
      throw new DistillException(
          ExitCode.DEVICE,
          "%s on %s is not supported, Linux on x86_64 is; --device reference runs here, slowly"
              .formatted(system, processor));
    }
  }
}
