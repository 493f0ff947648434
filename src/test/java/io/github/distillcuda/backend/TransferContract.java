package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tensors, arenas and tables keep what is written to them, in row-major order. */
interface TransferContract extends ContractFixture {
  /** Odd extents, so that blocked layouts are padded; the linear layer reads images. */
  List<LayerSpec> LAYERS =
      List.of(
          new ConvolutionSpec("conv1", 3, 8, 12, 5),
          new ConvolutionSpec("conv2", 5, 4, 6, 17),
          new LinearSpec("fc1", Shape.of(17, 2, 3), 7, true),
          new LinearSpec("fc2", Shape.of(7), 3, false));

  @Test
  default void tensorsAreZeroAtFirstAndKeepWhatIsWritten() {
    for (Shape shape : List.of(Shape.of(1), Shape.of(3, 7), Shape.of(2, 3, 4, 6))) {
      Tensor tensor = backend().createTensor("some", shape);
      assertThat(tensor.name()).isEqualTo("some");
      assertThat(tensor.shape()).isEqualTo(shape);
      assertThat(tensor.dtype()).isEqualTo(backend().dtype());
      assertThat(Numbers.of(tensor)).containsOnly(0);

      float[] written = GoldenHash.symmetric(1, shape.elements(), 3);
      float[] read = new float[written.length];
      tensor.write(written);
      tensor.read(read);
      assertThat(read).containsExactly(written);
      assertThat(Numbers.of(tensor)).containsExactly(Numbers.widened(written));
    }
  }

  @Test
  default void doublesAreRoundedToTheTypeOfTheTensor() {
    Tensor tensor = backend().createTensor("thirds", Shape.of(2));
    tensor.write(new double[] {1.0 / 3, Double.NaN});
    double third = backend().dtype() == DType.FLOAT64 ? 1.0 / 3 : 1 / 3f;
    assertThat(Numbers.of(tensor)).containsExactly(third, Double.NaN);
  }

  @Test
  default void transfersOfAnotherLengthAreRefused() {
    Tensor tensor = backend().createTensor("some", Shape.of(2, 3));
    LogitsTable table = backend().createLogitsTable(2, 3);
    assertThatIllegalArgumentException().isThrownBy(() -> tensor.write(new float[5]));
    assertThatIllegalArgumentException().isThrownBy(() -> tensor.write(new double[7]));
    assertThatIllegalArgumentException().isThrownBy(() -> tensor.read(new float[7]));
    assertThatIllegalArgumentException().isThrownBy(() -> tensor.read(new double[5]));
    assertThatIllegalArgumentException().isThrownBy(() -> table.write(new float[5]));
    assertThatIllegalArgumentException().isThrownBy(() -> table.read(new float[7]));
  }

  @Test
  default void arenasHoldAWeightAndABiasForEachLayer() {
    ParameterArena arena = backend().createParameters(LAYERS, 4, true);
    List<Shape> shapes = new ArrayList<>();
    for (LayerSpec layer : LAYERS) {
      shapes.add(layer.weightShape());
      shapes.add(layer.biasShape());
    }
    assertThat(arena.layers()).isEqualTo(LAYERS);
    for (List<Tensor> tensors : parts(arena)) {
      assertThat(tensors).extracting(Tensor::shape).containsExactlyElementsOf(shapes);
      assertThat(Numbers.of(tensors)).containsOnly(0);
    }
  }

  @Test
  default void arenasKeepEveryElementOfTheirFourParts() {
    ParameterArena arena = backend().createParameters(LAYERS, 4, true);
    int elements = Numbers.of(arena.values()).length;
    // Two rounds of different numbers: a write to one tensor must not reach into another.
    for (int round = 0; round < 2; round++) {
      List<double[]> written = new ArrayList<>();
      for (int part = 0; part < 4; part++) {
        double[] numbers = Numbers.widened(GoldenHash.symmetric(10 * round + part, elements, 1));
        Numbers.write(numbers, parts(arena).get(part));
        written.add(numbers);
      }
      for (int part = 0; part < 4; part++) {
        assertThat(Numbers.of(parts(arena).get(part))).containsExactly(written.get(part));
      }
    }
  }

  @Test
  default void frozenArenasHaveNoGradientsAndNoMoments() {
    ParameterArena arena = backend().createParameters(LAYERS, 4, false);
    assertThat(arena.values()).hasSize(2 * LAYERS.size());
    assertThat(arena.gradients()).isEmpty();
    assertThat(arena.firstMoments()).isEmpty();
    assertThat(arena.secondMoments()).isEmpty();
  }

  @Test
  default void tablesAreZeroAtFirstAndKeepWhatIsWritten() {
    LogitsTable table = backend().createLogitsTable(5, 3);
    assertThat(table.rows()).isEqualTo(5);
    assertThat(table.classes()).isEqualTo(3);
    float[] read = GoldenHash.symmetric(1, 15, 1);
    table.read(read);
    assertThat(read).containsOnly(0);

    float[] written = GoldenHash.symmetric(2, 15, 9);
    table.write(written);
    table.read(read);
    assertThat(read).containsExactly(written);
  }

  private static List<List<Tensor>> parts(ParameterArena arena) {
    return List.of(arena.values(), arena.gradients(), arena.firstMoments(), arena.secondMoments());
  }
}
