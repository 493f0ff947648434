package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.DistillationLossFusedKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The fused distillation loss of vocabularies, in float32 and bfloat16. */
final class DistillationLossWideCases {
  private static final int COMPUTE_CAPABILITY = 90;
  private static final int SHARED_BYTES = 227 * 1024;

  /** For the kernels of a block; longer rows are {@link WideVocabularyTest}'s. */
  private static final int[] CLASSES = {1025, 3001, 4099, 16_384};

  /** Kernels of clusters, with classes enough for every block to have some. */
  private static final Map<String, Integer> CLUSTERS =
      Map.of("c32768", 20_011, "c65536", 5003, "c131072", 9001, "c262144", 17_003);

  /**
   * The kernels that differ from c2048 and c32768 in their numbers of threads and blocks only, with
   * classes for half of their threads, and for a warp of every block.
   */
  private static final Map<String, Integer> OTHER_HELD =
      Map.of(
          "c4096", 2053, "c8192", 4103, "c16384", 8197, "c65536", 5003, "c131072", 9001, "c262144",
          17_003);

  /** Classes of the rows that are counted. */
  private static final Map<String, Integer> COUNTED =
      Map.of(
          "c2048", 2048,
          "c4096", 4096,
          "c8192", 8192,
          "c16384", 16_384,
          "c32768", 32_000,
          "c65536", 50_257,
          "c131072", 128_256,
          "c262144", 262_144,
          "streamed", 50_257,
          "two_pass", 50_257);

  private static final int[] FEW = {1, 2, 7, 10, 31, 33, 100, 1000};

  /** Temperature and alpha of the adversarial batches. */
  private static final float[][] SETTINGS = {
    {5, 0.7f}, {0.5f, 1}, {1, 0}, {20, 0.3f}, {1e-3f, 0.5f}
  };

  /** Temperatures at which masked logits' exponents overflow, and one at which they do not. */
  private static final float[] MASKED_TEMPERATURES = {1, 0.5f, 5};

  /** Relative to the smallest number of its size. */
  private static final double HALF_UNIT_OF_BFLOAT16 = 0x1p-8;

  private final List<KernelCase> cases = new ArrayList<>();

  private DistillationLossWideCases() {}

  static List<KernelCase> all() {
    DistillationLossWideCases wide = new DistillationLossWideCases();
    for (ElementType type : List.of(ElementType.FLOAT32, ElementType.BFLOAT16)) {
      for (int classes : CLASSES) {
        wide.cases.add(selected(type, 2, classes));
      }
      CLUSTERS.forEach(
          (range, classes) ->
              wide.cases.add(of(kernel(type, range), random(type, 1, classes, 7), 5, 0.7f)));
      wide.addAdversarial(kernel(type, "c2048"), 1029, SETTINGS);
      wide.addAdversarial(kernel(type, "c32768"), 1029, SETTINGS[0]);
      for (float alpha : new float[] {0, 1}) { // without a teacher, without labels
        wide.cases.add(of(kernel(type, "c32768"), random(type, 2, 1029, 2), 3, alpha));
      }
      for (int place : new int[] {0, 299, 300}) { // at both ends, of which one is in a whole vector
        LossBatch atEnd = inType(type, LossBatch.notFiniteAt(place, 301));
        wide.cases.add(of(kernel(type, "c32768"), atEnd, 5, 0.7f));
        wide.cases.add(of(kernel(type, "c32768"), atEnd, 1, 0));
      }
      wide.cases.add(
          of(kernel(type, "c2048"), inType(type, LossBatch.notFiniteAt(1024, 1029)), 5, 0.7f));
      for (int classes : new int[] {16_001, 20_009, 32_761}) { // in each of a thread's vectors
        LossBatch last = inType(type, LossBatch.notFiniteLast(classes));
        wide.cases.add(of(kernel(type, "c32768"), last, 5, 0.7f));
      }
      wide.cases.add(
          of(kernel(type, "c32768"), random(type, 1, 32_768, 4), 5, 0.7f)); // all it holds
      LossBatch ties = inType(type, LossBatch.neighboursTie(10));
      wide.cases.add(of(kernel(type, "c32768"), ties, 5, 0.7f));
      for (String unheld : List.of("streamed", "two_pass")) {
        wide.addAdversarial(kernel(type, unheld), 4103, SETTINGS);
        wide.addPlaces(kernel(type, unheld), 9001);
        wide.addFew(kernel(type, unheld));
        wide.cases.add(of(kernel(type, unheld), random(type, 2, 50_257, 3), 2, 0.5f));
        wide.cases.add(of(kernel(type, unheld), inType(type, LossBatch.endsTie(5003)), 5, 0.7f));
      }
      OTHER_HELD.forEach(
          (range, classes) -> {
            LossBatch peaked = inType(type, LossBatch.peaked(classes, lastLane(type), 0));
            wide.cases.add(of(kernel(type, range), peaked, 5, 0.7f));
            wide.cases.add(of(kernel(type, range), random(type, 2, classes, 8), 0.5f, 1));
          });
      wide.addPlaces(kernel(type, "c2048"), 2048);
      wide.addPlaces(kernel(type, "c32768"), 2048);
      wide.addFew(kernel(type, "c2048"));
      for (int classes : new int[] {1, 10, 100}) { // blocks without a class
        wide.cases.add(of(kernel(type, "c32768"), random(type, 1, classes, classes), 2, 0.7f));
      }
      // Blocks with more vectors than threads.
      LossBatch masks = inType(type, LossBatch.masked(20_011));
      wide.cases.add(of(kernel(type, "c32768"), masks, 1, 0.7f));
      for (String range : List.of("c2048", "c32768", "streamed", "two_pass")) {
        wide.addUnalike(kernel(type, range));
        for (float temperature : MASKED_TEMPERATURES) {
          LossBatch masked = inType(type, LossBatch.masked(1031));
          wide.cases.add(of(kernel(type, range), masked, temperature, 0.7f));
          wide.cases.add(
              of(kernel(type, range), inType(type, LossBatch.masked(7)), temperature, 1));
        }
      }
    }
    return wide.cases;
  }

  /**
   * A row of each kernel: as many classes as it takes, but for the vocabularies that there are
   * models of.
   */
  static Stream<KernelCase> counted() {
    return Stream.of(ElementType.FLOAT32, ElementType.BFLOAT16)
        .flatMap(
            type ->
                COUNTED.entrySet().stream()
                    .map(
                        range ->
                            of(
                                kernel(type, range.getKey()),
                                random(type, 1, range.getValue(), 1),
                                2,
                                0.7f)));
  }

  static KernelSignature kernel(ElementType type, String range) {
    String name = type == ElementType.FLOAT32 ? "f32" : "bf16";
    String symbol = "distillation_loss_%s_fused_%s_v1".formatted(range, name);
    return KernelCatalog.all().stream()
        .filter(kernel -> kernel.symbol().equals(symbol))
        .findFirst()
        .orElseThrow();
  }

  /** Random rows for the kernel that a GPU with clusters runs. */
  static KernelCase selected(ElementType type, int rows, int classes) {
    KernelSizes sizes = KernelSizes.of("rows", rows, "classes", classes);
    KernelSignature kernel =
        KernelCatalog.select(
            DistillationLossFusedKernels.of(type), sizes, COMPUTE_CAPABILITY, SHARED_BYTES);
    return of(kernel, random(type, rows, classes, classes), 2, 0.7f);
  }

  /** Rows for each thing that can go wrong. */
  private void addAdversarial(KernelSignature kernel, int classes, float[]... settings) {
    ElementType type = typeOf(kernel);
    for (float[] setting : settings) {
      cases.add(of(kernel, inType(type, LossBatch.adversarial(classes)), setting[0], setting[1]));
      cases.add(of(kernel, inType(type, LossBatch.notFinite(classes)), setting[0], setting[1]));
    }
  }

  /** In place, at any address, and with a label at every kind of place. */
  private void addPlaces(KernelSignature kernel, int classes) {
    ElementType type = typeOf(kernel);
    cases.add(of(kernel, random(type, 5, classes, 1), 5, 0.7f).inPlace("dz", "z"));
    cases.add(of(kernel, random(type, 5, classes, 1), 5, 0).inPlace("dz", "z"));
    int ofInteger = Integer.BYTES / type.bytes(); // the shift is that of the labels too
    for (int elements = ofInteger; elements < 16 / type.bytes(); elements += ofInteger) {
      LossBatch batch = random(type, 3, classes - elements / ofInteger, elements);
      int[] labels = {0, batch.classes() - 1, elements};
      LossBatch atEdges = new LossBatch("edges", batch.z(), batch.v(), labels, 3, batch.classes());
      cases.add(of(kernel, atEdges, 5, 0.7f).shiftedBy(elements * type.bytes()).inPlace("dz", "z"));
      // The first class of the first whole vector, and the one behind the last.
      int width = 16 / type.bytes();
      int head = width - elements;
      int behind = head + (batch.classes() - head) / width * width;
      LossBatch row = random(type, 1, Math.max(batch.classes(), behind + 1), elements);
      for (int label : new int[] {head, behind}) {
        LossBatch labelled =
            new LossBatch("label " + label, row.z(), row.v(), new int[] {label}, 1, row.classes());
        cases.add(of(kernel, labelled, 5, 0.7f).shiftedBy(elements * type.bytes()));
      }
    }
  }

  /** Fewer classes than threads; in bfloat16 these kernels are the only ones there are. */
  private void addFew(KernelSignature kernel) {
    ElementType type = typeOf(kernel);
    for (int classes : FEW) {
      cases.add(of(kernel, random(type, 3, classes, classes), 2, 0.7f));
    }
    cases.add(of(kernel, inType(type, LossBatch.adversarial(10)), 5, 0.7f));
    cases.add(of(kernel, inType(type, LossBatch.neighboursTie(10)), 5, 0.7f));
    // In a whole vector and in the elements behind it.
    for (int place : new int[] {0, 1, 5, 8, 9}) {
      cases.add(of(kernel, inType(type, LossBatch.notFiniteAt(place, 10)), 5, 0.7f));
    }
    for (int place : new int[] {0, 8}) { // without a teacher
      cases.add(of(kernel, inType(type, LossBatch.notFiniteAt(place, 10)), 1, 0));
    }
    cases.add(of(kernel, inType(type, LossBatch.notFiniteAt(0, 1)), 5, 0.7f));
    cases.add(of(kernel, inType(type, LossBatch.notFiniteAt(0, 2)), 5, 0.7f));
    cases.add(of(kernel, inType(type, LossBatch.notFiniteAt(1, 2)), 5, 0.7f));
  }

  /** Matrices that have their 16-byte boundaries at different elements. */
  private void addUnalike(KernelSignature kernel) {
    ElementType type = typeOf(kernel);
    KernelCase unalike = of(kernel, random(type, 3, 1031, 9), 5, 0.7f);
    List<String> matrices = List.of("z", "v", "dz");
    for (int i = 0; i < matrices.size(); i++) {
      unalike.shiftedBy(matrices.get(i), (2 * i + 1) * type.bytes());
    }
    cases.add(unalike);
  }

  /** A class of the last lane of a warp: what lane 0 learns of in the last round of a butterfly. */
  static int lastLane(ElementType type) {
    return 31 * 16 / type.bytes();
  }

  private static ElementType typeOf(KernelSignature kernel) {
    return kernel.pointers().getFirst().element();
  }

  static LossBatch random(ElementType type, int rows, int classes, long seed) {
    return inType(type, LossBatch.random(rows, classes, seed));
  }

  /** The batch with its logits rounded to the type. */
  static LossBatch inType(ElementType type, LossBatch batch) {
    return new LossBatch(
        batch.description(),
        inType(type, batch.z()),
        inType(type, batch.v()),
        batch.labels(),
        batch.rows(),
        batch.classes());
  }

  static float[] inType(ElementType type, float[] values) {
    return type == ElementType.FLOAT32 ? values : rounded(values);
  }

  static float[] rounded(float[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      boolean isNan = Float.isNaN(values[i]);
      int nearest = bits + 0x7fff + (bits >>> 16 & 1);
      rounded[i] = isNan ? values[i] : Float.intBitsToFloat(nearest & 0xffff0000);
    }
    return rounded;
  }

  /** The loss of a batch; without the arrays that it does not need at its alpha. */
  static KernelCase of(KernelSignature kernel, LossBatch batch, float temperature, float alpha) {
    ElementType type = typeOf(kernel);
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    WideLossExpectation expected = new WideLossExpectation(batch, temperature, alpha, type);
    String description = "%s T=%s alpha=%s".formatted(batch.description(), temperature, alpha);
    KernelCase result =
        new KernelCase(kernel, sizes, description)
            .in("z", bytes(type, batch.z()))
            .in("labels", batch.labels())
            .value("temperature", temperature)
            .value("alpha", alpha)
            .out("distillation", expected.distillation())
            .out("crossEntropy", expected.crossEntropy())
            .out("outcome", Expected.ints(expected.outcomes()))
            .out("dz", expected.gradient());
    if (alpha > 0) {
      result.in("v", bytes(type, batch.v()));
    }
    if (alpha < 1) {
      result.in("labelledRows", expected.labelledRows());
    }
    return result;
  }

  static byte[] bytes(ElementType type, float[] values) {
    return type == ElementType.FLOAT32 ? HostBytes.of(values) : HostBytes.ofBfloat16(values);
  }

  /** What an output of the type must hold, whose last rounding is the type's. */
  static Expected near(ElementType type, double[] exact, double[] tolerance) {
    if (type == ElementType.FLOAT32) {
      return Expected.near(exact, tolerance);
    }
    double[] ofType = new double[exact.length];
    for (int i = 0; i < exact.length; i++) {
      ofType[i] = tolerance[i] + HALF_UNIT_OF_BFLOAT16 * (Math.abs(exact[i]) + tolerance[i]);
    }
    return Expected.nearInBfloat16(exact, ofType);
  }
}
