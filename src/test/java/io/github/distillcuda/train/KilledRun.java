package io.github.distillcuda.train;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.nn.Architecture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;

/**
 * A small run in a process of its own, for a test to kill: begins in a folder or goes on there, and
 * prints a line at the start of each training and after each epoch. What it trains is tiny; what it
 * saves is a megabyte, so that a good part of its time goes into saving.
 */
final class KilledRun {
  private static final ImageDataset DATA = TinyData.of(72, 30);

  private static final RunConfig CONFIG =
      new RunConfig(
          EnumSet.allOf(ModelRole.class),
          5,
          0.7f,
          6,
          4,
          16,
          1e-2,
          42,
          TinyData.TEACHER,
          new Architecture(4, 6, 256, 10),
          null,
          null,
          Map.of(),
          false,
          "tiny",
          null,
          null,
          true,
          "fused",
          "cudnn",
          "auto",
          "auto");

  private KilledRun() {}

  /** Runs in the folder {@code arguments[0]} until the run there is done. */
  public static void main(String[] arguments) {
    Path root = Path.of(arguments[0]);
    boolean begun = Files.exists(root.resolve("config.json"));
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(1, true));
        RunFolder folder = begun ? RunFolder.open(root) : RunFolder.create(root)) {
      Optional<RunSnapshot> snapshot =
          begun ? folder.newestSnapshot(System.out::println) : Optional.empty();
      DistillationRun run =
          new DistillationRun(backend, CONFIG, DATA, folder, new Speaking(), new StopSignal(), 1);
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
      System.out.println(task.model());
    }

    @Override
    public void epochDone(EpochRecord epoch) {
      System.out.println(epoch.model() + " " + epoch.epoch());
    }
  }
}
