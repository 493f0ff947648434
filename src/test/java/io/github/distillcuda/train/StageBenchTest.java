package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.bench.DeviceCeilings;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The benches of steps and stages on an emulated device that does no work, where their times mean
 * nothing: so that they work on a GPU.
 */
class StageBenchTest {
  private static final int BATCH = 2;
  private static final int IMAGES = 20;
  private static final DeviceCeilings CEILINGS = new DeviceCeilings(1000, 0.5);

  @TempDir private Path folder;

  private static Backend open(BackendOptions options) {
    return new CudaBackend(EmulatedEngine.of(new EmulatedDevice().withoutWork()), 0, options);
  }

  /** Every form of a step, in batches that are soon recorded; fp32 is recorded as tf32 is. */
  private static List<StepVariant> small() {
    return List.of(
        new StepVariant(Kernels.FUSED, Layers.FUSED, Precision.TF32, BATCH),
        new StepVariant(Kernels.FUSED, Layers.FUSED, Precision.BF16, BATCH),
        new StepVariant(Kernels.FUSED, Layers.CUDNN, Precision.TF32, BATCH),
        new StepVariant(Kernels.FUSED, Layers.CUDNN, Precision.BF16, BATCH),
        new StepVariant(Kernels.UNFUSED, Layers.FUSED, Precision.TF32, BATCH));
  }

  private static List<String[]> rows(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.skip(1).map(line -> line.split(",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyVariantIsMeasuredTheMostWantedFirst() {
    assertThat(StepVariant.all())
        .doesNotHaveDuplicates()
        .hasSize(Kernels.values().length * Layers.values().length * 3 * 3)
        .startsWith(
            new StepVariant(Kernels.FUSED, Layers.FUSED, Precision.TF32, 64),
            new StepVariant(Kernels.FUSED, Layers.FUSED, Precision.TF32, 256),
            new StepVariant(Kernels.FUSED, Layers.FUSED, Precision.TF32, 1024),
            new StepVariant(Kernels.FUSED, Layers.CUDNN, Precision.TF32, 64));
    assertThat(StepVariant.with("kernels fused.*(tf32|bf16)"))
        .isEqualTo(StepVariant.all().subList(0, 12));
    assertThat(StepVariant.with("kernels (unfused|eager)|fp32"))
        .isEqualTo(StepVariant.all().subList(12, StepVariant.all().size()));
  }

  /**
   * The multiply-adds of the published networks, by hand: whoever adds an operation or renames one
   * must not lose a product.
   */
  @Test
  void floorsOfEveryVariantHaveAllProducts() throws IOException {
    Path file = folder.resolve("stages.csv");

    int failed = StageBenchMain.write(file, small(), CEILINGS, IMAGES, 1, StageBenchTest::open);

    assertThat(failed).isZero();
    List<String> columns = Arrays.asList(Files.readAllLines(file).getFirst().split(","));
    List<String[]> rows = rows(file);
    assertThat(rows).allSatisfy(row -> assertThat(row).hasSameSizeAs(columns));
    int position = columns.indexOf("position");
    int teacher = columns.indexOf("teacher");
    int flops = columns.indexOf("flops");
    int bytes = columns.indexOf("floor_bytes");
    int floor = columns.indexOf("floor_us");
    long student = 2L * BATCH * (2 * (884_736 + 4_718_592 + 524_288 + 1_280) + 4_718_592 + 525_568);
    long frozen = 2L * BATCH * (1_769_472 + 18_874_368 + 2_097_152 + 2_560);
    List<String[]> steps = rows.stream().filter(row -> row[position].equals("0")).toList();
    assertThat(steps).hasSize(2 * small().size());
    for (String[] step : steps) {
      assertThat(Long.parseLong(step[flops]))
          .as(String.join(",", step))
          .isEqualTo(step[teacher].equals("cached") ? student : student + frozen);
    }
    for (String[] row : rows) {
      assertThat(Long.parseLong(row[bytes])).as(String.join(",", row)).isPositive();
      assertThat(Double.parseDouble(row[floor]))
          .isCloseTo(Math.max(0.5, Long.parseLong(row[bytes]) / 1e6), within(0.001));
    }
  }

  /** A bench that is stopped at its time limit has written what it measured. */
  @Test
  void rowsAreInTheFileBeforeTheNextVariant() throws IOException {
    Path runs = folder.resolve("runs.csv");
    List<Integer> before = new ArrayList<>();
    Function<BackendOptions, Backend> open =
        options -> {
          before.add(rows(runs).size());
          if (before.size() == 2) {
            throw new DistillException(ExitCode.DEVICE, "no GPU for the second");
          }
          return open(options);
        };

    int failed = RunBenchMain.write(runs, small().subList(0, 4), IMAGES, 1, open);

    assertThat(failed).isEqualTo(1);
    assertThat(before).containsExactly(0, 2, 2, 4);
    assertThat(rows(runs).stream().map(row -> row[8]).collect(Collectors.toSet()))
        .containsExactlyInAnyOrder("cached", "recomputed");
  }
}
