package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.CudaModule;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.PtxImage;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LaunchConfig;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.ptx.PtxType;
import io.github.distillcuda.gpu.Gpu;
import io.github.distillcuda.gpu.NeedsComputeCapability;
import io.github.distillcuda.gpu.OnGpu;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The instructions on a GPU against the emulator's, and how far the approximate ones are off. */
@OnGpu
class DeviceInstructionTest {
  /** The least that every instruction of the vectors is in: a conversion from bfloat16. */
  private static final String VERSION = ".version 7.1\n";

  private static final int TRIES = 1 << 18;

  private static Gpu gpu;

  @BeforeAll
  static void openGpu() {
    gpu = Gpu.open();
  }

  @AfterAll
  static void closeGpu() {
    if (gpu != null) {
      gpu.close();
    }
  }

  /** Those that the GPU has. */
  static Stream<VectorCase> instructions() {
    int there = gpu.context().device().computeCapability();
    return InstructionVectorTest.instructions()
        .filter(
            instruction -> {
              boolean isThere = instruction.computeCapability() <= there;
              if (!isThere) {
                System.out.printf(
                    "not on this GPU: %s needs compute capability %.1f%n",
                    instruction, instruction.computeCapability() / 10.0);
              }
              return isThere;
            });
  }

  @ParameterizedTest
  @MethodSource("instructions")
  void givesTheBitsOfTheEmulator(VectorCase instruction) {
    long[] device = run(instruction);
    long[] emulated = InstructionHarness.run(instruction, Approximation.EXACT);

    for (int i = 0; i < device.length; i++) {
      assertThat(instruction.canonical(device[i]))
          .as(
              "%s of %s on GPU",
              instruction,
              Arrays.stream(instruction.arguments().get(i)).mapToObj(Long::toHexString).toList())
          .isEqualTo(instruction.canonical(emulated[i]));
    }
  }

  static Stream<ApproximateInstructionTest.Approximate> approximate() {
    return ApproximateInstructionTest.instructions();
  }

  /** Prints the largest difference, for {@code native-notes/gpu-runs.md}. */
  @ParameterizedTest
  @MethodSource("approximate")
  void staysWithinTheBoundThatTheEmulatorAssumes(
      ApproximateInstructionTest.Approximate instruction) {
    List<long[]> arguments = randomArguments(instruction);
    List<PtxType> types = Collections.nCopies(instruction.operands(), PtxType.F32);
    long[] results =
        run(new VectorCase(instruction.mnemonic(), PtxType.F32, types, "", arguments, a -> 0));
    double mostUlps = 0;
    double mostOfBound = 0;
    double[] worst = {};
    for (int i = 0; i < results.length; i++) {
      double[] a = ApproximateInstructionTest.values(arguments.get(i));
      double exact = instruction.function().of(a);
      double error = Math.abs(Float.intBitsToFloat((int) results[i]) - exact);
      mostUlps = Math.max(mostUlps, error / Math.ulp((float) exact));
      double ofBound = error / instruction.bound().of(a, exact);
      if (!(ofBound <= mostOfBound)) {
        mostOfBound = ofBound;
        worst = a;
      }
    }
    System.out.printf(
        "measured %s: largest error %.4f ulp, %.4f of the bound, over %d arguments%n",
        instruction, mostUlps, mostOfBound, results.length);
    assertThat(mostOfBound)
        .as("%s of %s: error as a part of the bound", instruction, Arrays.toString(worst))
        .isLessThanOrEqualTo(1 + 1e-9); // the oracle's own rounding
  }

  /** Likewise, with every product the same twice. */
  @Test
  @NeedsComputeCapability(80)
  void matrixProductsStayWithinTheBoundThatTheEmulatorAssumes() {
    double mostOfBound = 0;
    for (int spread : new int[] {0, 8, 40}) {
      MatrixProducts products = MatrixProducts.random(1 << 12, spread, 11);
      float[] d = run(products);
      assertThat(run(products)).containsExactly(d);
      for (int i = 0; i < d.length; i++) {
        double error = Math.abs(d[i] - products.exact(i));
        mostOfBound = Math.max(mostOfBound, error / (MatrixOps.BOUND * products.absolute(i)));
      }
    }
    System.out.printf(
        "measured %s: largest error %.4f of the bound%n", MatrixProducts.MNEMONIC, mostOfBound);
    assertThat(mostOfBound).isLessThanOrEqualTo(1);
  }

  private static float[] run(MatrixProducts products) {
    int matrices = products.count();
    KernelSignature kernel =
        new KernelSignature(
            "products.ptx",
            MatrixProducts.SYMBOL,
            List.of(
                floats("words", 10 * MatrixProducts.LANES * matrices, 0),
                floats("d", 0, 4 * MatrixProducts.LANES * matrices)),
            List.of(),
            sizes -> new LaunchConfig(matrices, 1, MatrixProducts.LANES, 1, 0));
    try (DeviceScope scope = new DeviceScope()) {
      CudaModule module =
          scope.own(
              CudaModule.load(
                  gpu.context(),
                  MatrixProducts.MNEMONIC,
                  List.of(PtxImage.of(MatrixProducts.MNEMONIC, MatrixProducts.ptx())),
                  List.of(kernel)));
      byte[] input = HostBytes.of(products.words());
      DeviceBuffer words = scope.own(gpu.context().memory().allocate("words", input.length));
      DeviceBuffer d =
          scope.own(
              gpu.context()
                  .memory()
                  .allocate("d", 4L * MatrixProducts.LANES * Float.BYTES * matrices));
      gpu.upload(input, words);
      module
          .function(kernel)
          .prepare(KernelSizes.of("matrices", matrices))
          .bind("words", words)
          .bind("d", d)
          .launch(gpu.stream());
      return products.matrices(HostBytes.toFloats(gpu.download(d)));
    }
  }

  private static KernelParameter.Pointer floats(String name, long reads, long writes) {
    return new KernelParameter.Pointer(
        name, ElementType.FLOAT32, sizes -> reads, sizes -> writes, false);
  }

  private static List<long[]> randomArguments(ApproximateInstructionTest.Approximate instruction) {
    Random random = new Random(11);
    List<long[]> arguments = new ArrayList<>();
    for (int i = 0; i < TRIES; i++) {
      long[] one = new long[instruction.operands()];
      for (int j = 0; j < one.length; j++) {
        float value = (float) random.nextDouble(instruction.lowest(), instruction.highest());
        one[j] = Integer.toUnsignedLong(Float.floatToRawIntBits(value));
      }
      arguments.add(one);
    }
    return arguments;
  }

  private static long[] run(VectorCase instruction) {
    int count = instruction.arguments().size();
    long[] flat = instruction.arguments().stream().flatMapToLong(Arrays::stream).toArray();
    KernelSignature kernel = signature(instruction.operands().size());
    int target = instruction.computeCapability();
    String ptx = InstructionHarness.kernelFor(instruction, VERSION + ".target sm_" + target + "\n");
    try (DeviceScope scope = new DeviceScope()) {
      CudaModule module =
          scope.own(
              CudaModule.load(
                  gpu.context(),
                  instruction.mnemonic(),
                  List.of(PtxImage.of(instruction.mnemonic(), ptx)),
                  List.of(kernel)));
      DeviceBuffer input = allocate(scope, "input", flat.length);
      DeviceBuffer output = allocate(scope, "output", count);
      gpu.upload(HostBytes.of(flat), input);
      module
          .function(kernel)
          .prepare(KernelSizes.of("count", count))
          .bind("input", input)
          .bind("output", output)
          .launch(gpu.stream());
      return HostBytes.toLongs(gpu.download(output));
    }
  }

  private static DeviceBuffer allocate(DeviceScope scope, String name, int count) {
    return scope.own(gpu.context().memory().allocate(name, (long) Long.BYTES * count));
  }

  private static KernelSignature signature(int operands) {
    return new KernelSignature(
        "one.ptx",
        InstructionHarness.SYMBOL,
        List.of(
            longs("input", operands, 0), longs("output", 0, 1), new KernelParameter.Int("count")),
        List.of(),
        sizes ->
            LaunchConfig.covering(
                sizes.get("count"), InstructionHarness.BLOCK, InstructionHarness.BLOCK));
  }

  /** An array of longs, as pairs of the floats that a parameter counts in. */
  private static KernelParameter.Pointer longs(String name, int reads, int writes) {
    return new KernelParameter.Pointer(
        name,
        ElementType.FLOAT32,
        sizes -> 2L * reads * sizes.get("count"),
        sizes -> 2L * writes * sizes.get("count"),
        false);
  }
}
