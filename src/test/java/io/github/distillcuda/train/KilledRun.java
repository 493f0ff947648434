package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.cli.StopSignals;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.nn.Architecture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A small run in a process of its own, for a test to kill: begins in a folder or goes on there,
 * prints a line at the start of each training and after each epoch, and heeds signals as the
 * program does. What it trains is tiny; what it saves on the CPU is a megabyte, so that a good part
 * of its time goes into saving.
 */
final class KilledRun {
  private static final ImageDataset DATA = TinyData.of(72, 30);

  private static final RunConfig ON_CPU =
      config(6, 4, TinyData.TEACHER, new Architecture(4, 6, 256, 10));

  /** An emulated GPU is slow. */
  private static final RunConfig ON_CUDA =
      config(2, 1, new Architecture(3, 4, 5, 10), new Architecture(2, 3, 4, 10));

  private KilledRun() {}

  private static RunConfig config(
      int epochs, int teacherEpochs, Architecture teacher, Architecture student) {
    return new TinyRun()
        .alpha(0.7f)
        .epochs(teacherEpochs, epochs)
        .networks(teacher, student)
        .config();
  }

  /**
   * Runs until the run there is done, or a signal asks it to stop.
   *
   * @param arguments the folder, and {@code cpu} or {@code cuda}, an emulated GPU
   */
  public static void main(String[] arguments) {
    StopSignal stop = new StopSignal();
    StopSignals.listen(stop::request);
    try {
      run(Path.of(arguments[0]), arguments[1].equals("cuda"), stop);
    } catch (DistillException e) {
      System.out.println(e.getMessage());
      System.exit(e.exitCode().value());
    }
  }

  private static void run(Path root, boolean cuda, StopSignal stop) {
    boolean begun = Files.exists(root.resolve("config.json"));
    RunConfig config = cuda ? ON_CUDA : ON_CPU;
    BackendOptions options = new BackendOptions(1, true);
    try (Backend backend =
            cuda
                ? new CudaBackend(EmulatedEngine.of(new EmulatedDevice()), 0, options)
                : new OnednnBackend(options);
        RunFolder folder = begun ? RunFolder.open(root) : RunFolder.create(root)) {
      Optional<RunSnapshot> snapshot =
          begun ? folder.newestSnapshot(System.out::println) : Optional.empty();
      DistillationRun run =
          new DistillationRun(backend, config, DATA, folder, new Speaking(), stop, 1);
      if (snapshot.isPresent()) {
        run.resume(snapshot.get());
      } else {
        run.execute(null);
      }
    }
  }

  private static final class Speaking implements TrainingListener {
    @Override
    public void trainingStarted(TrainingTask task, TrainingPosition position) {
      System.out.println(task.role());
    }

    @Override
    public void epochDone(EpochRecord epoch) {
      System.out.println(epoch.role() + " " + epoch.epoch());
    }
  }
}
