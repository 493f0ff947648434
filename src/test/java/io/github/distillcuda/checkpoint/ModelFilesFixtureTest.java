package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads what PyTorch and safetensors wrote: {@code src/test/python/model_files_fixtures.py}. */
class ModelFilesFixtureTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain-f32.pth",
        "plain-f16.pth",
        "plain-bf16.pth",
        "plain-f64.pth",
        "nested-state_dict.pth",
        "nested-model.pth",
        "nested-model_state_dict.pth",
        "prefix-module.pth",
        "prefix-compiled.pth",
        "parameters.pth",
        "transposed.pth",
        "one-storage.pth",
        "plain-f32.safetensors",
        "plain-f16.safetensors",
        "plain-bf16.safetensors",
        "plain-f64.safetensors",
        "metadata.safetensors",
      })
  void readsEveryValueExactly(String name) {
    Path file = fixture(name);
    List<NamedArray> read = ModelFiles.read(file);
    assertThat(read).hasSize(HashedModel.SHAPES.size());
    List<NamedArray> matched = StateDict.match(file, HashedModel.SHAPES, read, Map.of());
    assertThat(HashedModel.describe(matched)).isEqualTo(HashedModel.describe(HashedModel.arrays()));
  }

  @Test
  void keepsTheOrderOfTheStateDict() {
    assertThat(ModelFiles.read(fixture("plain-f32.pth")))
        .extracting(NamedArray::name)
        .containsExactlyElementsOf(HashedModel.SHAPES.keySet());
  }

  @ParameterizedTest
  @ValueSource(strings = {"odd-shapes.pth", "odd-shapes.safetensors"})
  void readsScalarsAndEmptyTensors(String name) {
    assertThat(HashedModel.describe(ModelFiles.read(fixture(name))))
        .containsExactlyInAnyOrderElementsOf(
            HashedModel.describe(
                List.of(
                    HashedModel.array(0, "scalar", Shape.of()),
                    HashedModel.array(1, "empty", Shape.of(0, 3)),
                    HashedModel.array(2, "long.name", Shape.of(1, 1, 2)))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          refused-old-format.pth       | before 1.6
          refused-protocol-4.pth       | not of protocol 2
          refused-whole-module.pth     | torch.nn.modules.activation.ReLU
          refused-torchscript.pth      | as TorchScript programs are
          refused-integers.pth         | steps holds integers
          refused-integers.safetensors | w has dtype I64
          refused-list.pth             | holds no state dict
          refused-mixed.pth            | its entry epoch is not a tensor
          refused-strided.pth          | neither contiguous nor transposed
          refused-expanded.pth         | neither contiguous nor transposed
          refused-negative.pth         | tensor in a form that is not read
          refused-sparse.pth           | _rebuild_sparse_tensor
          refused-untyped.pth          | _rebuild_tensor_v3
          """)
  void refusesWhatIsNotAStateDictOfFloats(String name, String reason) {
    Path file = fixture(name);
    assertThatThrownBy(() -> ModelFiles.read(file))
        .isInstanceOf(DistillException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(reason)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DATA);
  }

  static Path fixture(String name) {
    try {
      return Path.of(ModelFilesFixtureTest.class.getResource("/model-files/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
