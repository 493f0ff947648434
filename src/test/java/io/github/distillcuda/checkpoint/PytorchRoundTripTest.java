package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lets PyTorch itself load what is written here, where it is installed. */
class PytorchRoundTripTest {
  @TempDir Path folder;

  @Test
  void pytorchLoadsWhatIsWritten() throws Exception {
    Output torch = python("-c", "import torch, safetensors.torch");
    assumeTrue(torch.status == 0, "skipped: needs python3 with torch, safetensors: " + torch.text);
    List<NamedArray> odd =
        List.of(
            HashedModel.array(0, "scalar", Shape.of()),
            HashedModel.array(1, "empty", Shape.of(0, 3)),
            HashedModel.array(2, "long.name", Shape.of(1, 1, 2)));
    for (String format : List.of(".pth", ".safetensors")) {
      ModelFiles.write(folder.resolve("model" + format), HashedModel.arrays());
      ModelFiles.write(folder.resolve("odd" + format), odd);
    }
    Output loaded = python("src/test/python/model_files_roundtrip.py", folder.toString());
    assertThat(loaded.text).endsWith("ok\n");
    assertThat(loaded.status).isZero();
    // And back: what PyTorch saved of it.
    assertThat(HashedModel.describe(ModelFiles.read(folder.resolve("again.pth"))))
        .isEqualTo(HashedModel.describe(HashedModel.arrays()));
  }

  private record Output(int status, String text) {}

  private static Output python(String... arguments) throws InterruptedException {
    List<String> command = new ArrayList<>(List.of("python3"));
    command.addAll(List.of(arguments));
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
      Process process = builder.start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Output(process.waitFor(), text);
    } catch (IOException e) {
      return new Output(-1, e.getMessage());
    }
  }
}
