package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.LossChains;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The counts of every kernel are those of {@code kernels/counts.csv}, so that a change of one shows
 * in the diff; and {@code kernels/README.md} says no others. {@code mvn test
 * -Dtest=KernelCountsTest -Dkernel.counts=write} writes the file.
 */
class KernelCountsTest {
  private static final Path FILE = Path.of("kernels", "counts.csv");
  private static final String GATHERED = "channels=3 classes=10 pixels=1024 rows=16";

  /**
   * The rows of the README's ladder that have counts: what was launched, and the unit it counts in.
   */
  private static final List<Rung> LADDER =
      List.of(
          new Rung("distillation_loss_c16_fused_f32_v3", "classes=10 rows=128", 1280),
          new Rung("distillation_loss_c32_fused_f32_v6", "classes=32 rows=128", 4096),
          new Rung("distillation_loss_c32_fused_f32_v7", "classes=32 rows=128", 4096),
          new Rung("distillation_loss_c128_fused_f32_v5", "classes=100 rows=128", 12_800),
          new Rung("distillation_loss_c128_fused_f32_v6", "classes=100 rows=128", 12_800),
          new Rung("distillation_loss_c256_fused_f32_v5", "classes=200 rows=128", 25_600),
          new Rung("distillation_loss_c256_fused_f32_v6", "classes=200 rows=128", 25_600),
          new Rung("distillation_loss_c1024_fused_f32_v3", "classes=1000 rows=128", 128_000),
          new Rung("distillation_loss_c1024_fused_f32_v4", "classes=1000 rows=128", 128_000),
          new Rung("distillation_loss_c1024_fused_f32_v5", "classes=1000 rows=128", 128_000),
          new Rung("temperature_softmax_c128_fused_f32_v1", "classes=100 rows=64", 6400),
          new Rung("temperature_softmax_c4096_fused_f32_v1", "classes=2000 rows=2", 4000),
          new Rung("temperature_softmax_c4096_fused_bf16_v1", "classes=2000 rows=2", 4000),
          new Rung("gather_nchw_fused_f32_v1", GATHERED, 16 * 3072),
          new Rung("gather_nchw_fused_f32_v2", GATHERED, 16 * 3072),
          new Rung(
              "bias_relu_pool_nchw_fused_f32_v1",
              "channels=32 height=32 planes=128 width=32",
              128 * 256),
          new Rung(
              "bias_relu_pool_nchw_fused_f32_v2",
              "channels=32 height=32 planes=128 width=32",
              128 * 256),
          new Rung(
              "bias_relu_pool_backward_nchw_fused_f32_v1",
              "height=32 planes=128 width=32",
              128 * 256),
          new Rung(
              "bias_relu_pool_backward_nchw_fused_f32_v2",
              "height=32 planes=128 width=32",
              128 * 256),
          new Rung(
              "bias_relu_pool_nhwc_fused_bf16_v1",
              "channels=32 height=32 width=32 windows=1024",
              128 * 256),
          new Rung(
              "bias_relu_pool_backward_nhwc_fused_bf16_v1",
              "channels=32 height=32 width=32 windows=1024",
              128 * 256),
          new Rung(
              "convolution_pool_nchw_fused_tf32_v1",
              "channels=64 height=16 images=2 inputs=32 width=16",
              2 * 64 * 64),
          new Rung(
              "convolution_pool_backward_c32_nchw_fused_tf32_v1",
              "channels=64 height=16 images=2 inputs=32 width=16",
              2 * 32 * 256),
          new Rung(
              "convolution_pool_backward_c64_nchw_fused_tf32_v1",
              "channels=128 height=16 images=2 inputs=64 width=16",
              2 * 64 * 256),
          new Rung(
              "filter_gradient_partials_nchw_fused_f32_v1",
              "channels=64 height=16 images=2 inputs=32 width=16",
              2 * 64 * 64),
          new Rung(
              "filter_gradient_partials_nchw_fused_tf32_v1",
              "channels=64 height=16 images=2 inputs=32 width=16",
              2 * 64 * 64),
          new Rung("adam_fused_f32_v1", "n=65536", 65_536),
          new Rung("adam_fused_f32_v2", "n=65536", 65_536),
          new Rung("round_fused_bf16_v1", "n=65536", 65_536));

  private static List<KernelCounts> counts;

  /**
   * A row of the ladder.
   *
   * @param units elements or windows of the launch
   */
  private record Rung(String kernel, String sizes, long units) {}

  @BeforeAll
  static void count() throws IOException {
    counts = KernelCounts.all().toList();
    if ("write".equals(System.getProperty("kernel.counts"))) {
      Files.write(FILE, lines());
    }
  }

  private static List<String> lines() {
    return Stream.concat(
            Stream.of(KernelCounts.HEADER), counts.stream().map(KernelCounts::toCsv).sorted())
        .toList();
  }

  private static KernelCounts find(String kernel, String sizes) {
    return counts.stream()
        .filter(count -> count.kernel().equals(kernel) && count.sizes().equals(sizes))
        .findFirst()
        .orElseThrow(() -> new AssertionError("not counted: " + kernel + " " + sizes));
  }

  @Test
  void everyKernelIsCounted() {
    assertThat(counts.stream().map(KernelCounts::kernel).collect(Collectors.toSet()))
        .isEqualTo(
            KernelCatalog.all().stream().map(KernelSignature::symbol).collect(Collectors.toSet()));
  }

  @Test
  void countsAreThoseOfTheTable() throws IOException {
    assertThat(lines())
        .as("%s; accept new counts by -Dtest=KernelCountsTest -Dkernel.counts=write", FILE)
        .isEqualTo(Files.readAllLines(FILE));
  }

  /** Each input and each required output once; a byte that is read and written counts twice. */
  @Test
  void kernelsTouchTheirFloorAndNoMore() {
    for (KernelCounts count : counts) {
      if (count.kernel().matches("filter_gradient_partials_.*_f32_v1")) {
        // The gradients of windows that pass none are not read.
        assertThat(count.bytes()).as(count.toCsv()).isLessThan(count.floor());
        continue;
      }
      boolean readsNoLabelledRows = count.kernel().startsWith("distillation_loss_forward");
      assertThat(count.bytes())
          .as(count.toCsv())
          .isEqualTo(count.floor() - (readsNoLabelledRows ? Integer.BYTES : 0));
    }
  }

  /** What the README says of the chains by what they must touch, by what they do touch. */
  @ParameterizedTest
  @ValueSource(ints = {10, 100, 1000})
  void fusedTouchesItsFloorATenthOfEagerAndAFifthOfTheFormulas(int classes) {
    int rows = Shapes.COUNTED_ROWS;
    LossChains.Loss loss = new LossChains.Loss(ElementType.FLOAT32, rows, classes, 5, 0.7);
    List<LossChains.Launch> chain = LossChains.fused(loss);
    double fused = sum(chain, KernelCounts::bytes);
    assertThat(fused).isLessThanOrEqualTo(1.02 * sum(chain, KernelCounts::floor));
    assertThat(sum(LossChains.eager(loss), KernelCounts::bytes) / fused).isGreaterThanOrEqualTo(10);
    assertThat(sum(LossChains.formulas(loss), KernelCounts::bytes) / fused)
        .isGreaterThanOrEqualTo(5);
  }

  @Test
  void instructionsOfTheChainsAreThoseOfTheReadme() throws IOException {
    String readme = Files.readString(Path.of("kernels", "README.md"));
    for (int classes : new int[] {10, 100, 1000}) {
      assertThat(readme).contains(chainRow(classes));
    }
  }

  private static String chainRow(int classes) {
    int rows = Shapes.COUNTED_ROWS;
    LossChains.Loss loss = new LossChains.Loss(ElementType.FLOAT32, rows, classes, 5, 0.7);
    List<List<LossChains.Launch>> chains =
        List.of(LossChains.fused(loss), LossChains.formulas(loss), LossChains.eager(loss));
    double elements = rows * classes;
    StringBuilder row = new StringBuilder("| %d | %d |".formatted(rows, classes));
    for (List<LossChains.Launch> chain : chains) {
      row.append(
          String.format(
              Locale.ROOT,
              " %,d (%.0f) | %.1f |",
              sum(chain, KernelCounts::instructions),
              sum(chain, KernelCounts::instructions) / elements,
              sum(chain, KernelCounts::exponentials) / elements));
    }
    return row.toString();
  }

  private static long sum(List<LossChains.Launch> chain, ToLongFunction<KernelCounts> count) {
    return chain.stream()
        .mapToLong(
            launch ->
                count.applyAsLong(
                    find(launch.kernel().symbol(), KernelCounts.describe(launch.sizes()))))
        .sum();
  }

  @Test
  void countsOfTheLadderAreThoseOfTheTable() throws IOException {
    List<List<String>> rows =
        Files.readAllLines(Path.of("kernels", "README.md")).stream()
            .dropWhile(line -> !line.equals("## The ladder"))
            .takeWhile(line -> !line.equals("## The numbers"))
            .filter(line -> line.startsWith("|"))
            .skip(2)
            .map(line -> Arrays.stream(line.split("\\|")).map(String::strip).toList())
            .filter(cells -> !cells.get(6).isEmpty())
            .toList();
    assertThat(rows).hasSameSizeAs(LADDER);
    for (int i = 0; i < rows.size(); i++) {
      Rung rung = LADDER.get(i);
      KernelCounts count = find(rung.kernel(), rung.sizes());
      List<String> cells = rows.get(i);
      assertThat(cells.get(6).replace(" a window", "") + " | " + cells.get(7))
          .as("%s in the README", count.toCsv())
          .isEqualTo(
              "%d | %s, %s",
              Math.round(count.instructions() / (double) rung.units()),
              twoDigits(count.sectorsALoad()),
              twoDigits(count.sectorsAStore()));
    }
  }

  private static String twoDigits(double value) {
    String text = String.format(Locale.ROOT, value < 9.95 ? "%.1f" : "%.0f", value);
    return text.replaceFirst("\\.0$", "");
  }
}
