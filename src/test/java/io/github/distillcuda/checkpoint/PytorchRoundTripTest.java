package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.Python;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lets PyTorch itself load what is written here, where it is installed. */
class PytorchRoundTripTest {
  @TempDir Path folder;

  @Test
  void pytorchLoadsWhatIsWritten() throws Exception {
    String reason = Python.reasonWithoutTorch();
    assumeTrue(reason.isEmpty(), reason);
    List<NamedArray> odd =
        List.of(
            HashedModel.array(0, "scalar", Shape.of()),
            HashedModel.array(1, "empty", Shape.of(0, 3)),
            HashedModel.array(2, "long.name", Shape.of(1, 1, 2)));
    for (String format : List.of(".pth", ".safetensors")) {
      ModelFiles.write(folder.resolve("model" + format), HashedModel.arrays());
      ModelFiles.write(folder.resolve("odd" + format), odd);
    }
    Python.Output loaded =
        Python.run("src/test/python/model_files_roundtrip.py", folder.toString());
    assertThat(loaded.text()).endsWith("ok\n");
    assertThat(loaded.status()).isZero();
    // And back: what PyTorch saved of it.
    assertThat(HashedModel.describe(ModelFiles.read(folder.resolve("again.pth"))))
        .isEqualTo(HashedModel.describe(HashedModel.arrays()));
  }
}
