package io.github.distillcuda.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The table of signatures against the PTX that ships: the driver checks none of this. */
class KernelCatalogTest {
  /** Sizes under which every kernel of up to 32 classes may be launched. */
  private static final KernelSizes SIZES =
      KernelSizes.of("rows", 64, "classes", 10)
          .and("channels", 16)
          .and("pixels", 1024)
          .and("planes", 1024)
          .and("windows", 16384)
          .and("images", 64)
          .and("inputs", 3)
          .and("height", 32)
          .and("width", 32)
          .and("count", 64)
          .and("n", 545_100)
          .and("optimizerSteps", 1);

  @Test
  void everyEntryPointHasASignatureAndNoSignatureIsWithoutOne() {
    assertThat(KernelCatalog.all().stream().map(k -> k.ptx() + " " + k.symbol()))
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(
            PtxEntries.all().stream().map(e -> e.ptx() + " " + e.symbol()).toList());
  }

  @TestFactory
  Stream<DynamicTest> parametersAndBlockAreThoseOfThePtx() {
    Map<String, KernelSignature> signatures =
        KernelCatalog.all().stream().collect(Collectors.toMap(KernelSignature::symbol, k -> k));
    return PtxEntries.all().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.symbol(), () -> compare(entry, signatures.get(entry.symbol()))));
  }

  private static void compare(PtxEntries.Entry entry, KernelSignature signature) {
    assertThat(signature.parameters().stream().map(KernelParameter::ptxType))
        .containsExactlyElementsOf(entry.parameterTypes());
    // A block above the declared limit fails at launch; one below would leave rows undone.
    if (entry.maxThreads() > 0) {
      assertThat(signature.launch(SIZES).threads()).isEqualTo(entry.maxThreads());
    }
  }

  /**
   * Two pointers in the wrong order have the right types. Kernels that macros make are not seen.
   */
  @Test
  void parameterNamesAreThoseOfTheSource() {
    int compared = 0;
    for (KernelSignature kernel : KernelCatalog.all()) {
      String file = Path.of(kernel.ptx()).getFileName().toString().replace(".ptx", ".cu");
      String source = PtxEntries.read(PtxEntries.KERNELS.resolve(file));
      int start = source.indexOf(kernel.symbol() + "(");
      if (start >= 0) {
        String declaration = source.substring(start, source.indexOf(") {", start));
        List<String> names =
            Stream.of(declaration.split("[,()]"))
                .map(part -> part.replaceAll(".*\\W", ""))
                .toList();
        assertThat(names.subList(1, names.size()))
            .as(kernel.symbol())
            .containsExactlyElementsOf(
                kernel.parameters().stream().map(KernelParameter::name).toList());
        compared++;
      }
    }
    assertThat(compared).isEqualTo(35);
  }

  @Test
  void everyRowHasItsTile() {
    for (int classes : new int[] {1, 2, 10, 16, 17, 32, 33, 128, 129, 256, 257, 1024}) {
      for (int rows : new int[] {1, 63, 64, 65, 1000, 4096, 4097, 100_000}) {
        KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
        KernelSignature kernel = KernelCatalog.select(DistillationLossFusedKernels.SELECTED, sizes);
        LaunchConfig launch = kernel.launch(sizes);
        int narrow =
            classes <= 16 ? 2 : classes <= 32 ? 4 : classes <= 128 ? 8 : classes <= 256 ? 16 : 64;
        int wide = classes <= 256 ? 32 : 128;
        int lanes = rows <= 4096 ? wide : narrow;
        assertThat(launch.gridX() * launch.threads() / lanes)
            .as("%s for %s", kernel.symbol(), sizes)
            .isBetween(rows, rows + 128 / lanes - 1);
      }
    }
  }

  @Test
  void floorIsEachInputAndOutputOnce() {
    KernelSizes sizes = KernelSizes.of("rows", 1000, "classes", 100);
    KernelSignature loss = KernelCatalog.select(DistillationLossFusedKernels.SELECTED, sizes);
    // z, v, dz; labels, two terms, outcome; the number of labelled rows.
    assertThat(loss.floorBytes(sizes)).isEqualTo(12 * 100_000 + 16 * 1000 + 4);
    assertThat(loss.floorBytes(sizes, "v")).isEqualTo(8 * 100_000 + 16 * 1000 + 4);
    assertThat(AdamKernels.ADAM.floorBytes(SIZES)).isEqualTo(28L * 545_100 + 16);
    // 4096 outputs of 5 bytes and 16384 inputs of 4 a plane of 128 x 128 pixels.
    KernelSizes planes =
        KernelSizes.of("planes", 6, "channels", 3).and("height", 128).and("width", 128);
    assertThat(ConvolutionBlockKernels.POOL_NCHW.floorBytes(planes))
        .isEqualTo(6 * (4096 * 5 + 16_384 * 4) + 3 * 4);
  }

  @Test
  void refusesSizesThatAKernelIsNotMadeFor() {
    KernelSizes tooMany = KernelSizes.of("rows", 1, "classes", 1025);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DistillationLossFusedKernels.SELECTED.getLast().launch(tooMany))
        .withMessage(
            "distillation_loss_c1024_fused_f32_v5 needs at most 1024 classes, "
                + "not {classes=1025, rows=1}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KernelCatalog.select(DistillationLossFusedKernels.FORWARD, tooMany))
        .withMessageStartingWith("no kernel for {classes=1025, rows=1}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AdamKernels.ADAM.launch(KernelSizes.of("n", 6)))
        .withMessageContaining("a multiple of 4 elements");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReductionKernels.ROW_SUMS.launch(KernelSizes.of("rows", 0)))
        .withMessageContaining("at least 1 rows");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReductionKernels.ROW_SUMS.launch(KernelSizes.of("row", 1)))
        .withMessage("no size \"rows\" in {row=1}");
  }

  /** Beyond these an index of a kernel, or the grid, would be another number. */
  @Test
  void refusesSizesThatA32BitIndexOrAGridDoesNotHold() {
    KernelSizes rows = KernelSizes.of("rows", Integer.MAX_VALUE, "classes", 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DistillationLossFusedKernels.SELECTED.getFirst().launch(rows))
        .withMessageContaining("needs at most 2,147,482,624 rows");
    KernelSizes logits = KernelSizes.of("rows", 16_384, "classes", 131_072);
    for (KernelSignature kernel :
        List.of(
            DistillationLossUnfusedWideKernels.NLL_BACKWARD,
            DistillationLossUnfusedWideKernels.CROSS_ENTROPY_BACKWARD)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> kernel.launch(logits))
          .withMessageContaining("needs fewer than 2^31 logits");
    }
    KernelSizes plane =
        KernelSizes.of("planes", 1, "channels", 1).and("height", 65_536).and("width", 65_536);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConvolutionBlockKernels.POOL_NCHW.launch(plane))
        .withMessageContaining("fewer than 2^31 pixels");
    KernelSizes layer =
        KernelSizes.of("images", 1, "inputs", 2048)
            .and("channels", 4096)
            .and("height", 2)
            .and("width", 2);
    assertThat(FilterGradientTensorCoreKernels.PARTIALS.accepts(layer)).isTrue();
    assertThat(FilterGradientKernels.PARTIALS.accepts(layer)).isFalse();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FilterGradientKernels.PARTIALS.launch(layer))
        .withMessageContaining("needs a grid of at most 65,535 rows of blocks");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> FilterGradientTensorCoreKernels.PARTIALS.launch(layer.and("images", 1 << 19)))
        .withMessageContaining("fewer than 2^31 channels of all images");
    KernelSizes sums = KernelSizes.of("count", 1, "inputs", 16_384).and("channels", 16_384);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FilterGradientKernels.SUM.launch(sums))
        .withMessageContaining("fewer than 2^31 sums");
  }

  @Test
  void layoutOfTheStateIsThatOfTheStruct() {
    String source = PtxEntries.read(PtxEntries.KERNELS.resolve("state.cuh"));
    String struct =
        source.substring(source.indexOf("struct StepState {"), source.indexOf("static_assert"));
    Map<String, Integer> offsets = new TreeMap<>();
    int offset = 0;
    for (String line : struct.lines().toList()) {
      String[] words = line.strip().split(";")[0].split(" ");
      int size =
          switch (words[0]) {
            case "long", "double" -> 8;
            case "int" -> 4;
            default -> 0;
          };
      if (size > 0) {
        offsets.put(words[words.length - 1], offset);
        offset += size;
      }
    }
    offsets.remove("unused");
    assertThat(offsets)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "optimizerStep", StateLayout.OPTIMIZER_STEP,
                "firstNonFiniteStep", StateLayout.FIRST_NON_FINITE_STEP,
                "distillationSum", StateLayout.DISTILLATION_SUM,
                "crossEntropySum", StateLayout.CROSS_ENTROPY_SUM,
                "lossSum", StateLayout.LOSS_SUM,
                "labelledRows", StateLayout.LABELLED_ROWS,
                "correct", StateLayout.CORRECT,
                "cursor", StateLayout.CURSOR,
                "batchLabelledRows", StateLayout.BATCH_LABELLED_ROWS,
                "badLabels", StateLayout.BAD_LABELS));
    assertThat(offset).isEqualTo(StateLayout.BYTES);
  }
}
