package io.github.distillcuda.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageDatasetTest {
  @TempDir Path temp;

  /** Many read them at once, and a hash is of what they began as. */
  @Test
  void imagesAreReadOnly() {
    ImageDataset set = SyntheticDataset.create(1, 10, 10);
    assertThat(set.trainImages().isReadOnly()).isTrue();
    assertThat(set.testImages().isReadOnly()).isTrue();
  }

  /** CIFAR-10 does not fit into 64 MB; a JVM that small says so in one line. */
  @Test
  void smallHeapEndsInAdvice() throws IOException, InterruptedException {
    Path source =
        Files.writeString(
            temp.resolve("Small.java"),
            """
            import io.github.distillcuda.data.SyntheticDataset;
            import io.github.distillcuda.failure.DistillException;
            class Small {
              public static void main(String[] arguments) {
                try {
                  SyntheticDataset.create(1);
                } catch (DistillException e) {
                  System.out.println(e.exitCode() + ": " + e.getMessage());
                }
              }
            }
            """);
    String classes =
        ImageDataset.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process small =
        new ProcessBuilder(java, "-Xmx64m", "-cp", classes, source.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(small.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(small.waitFor()).isZero();
    assertThat(output.strip())
        .isEqualTo(
            "DATA: the images need 147 MiB of Java's heap, which is limited to 64 MiB; start Java"
                + " with -Xmx1g");
  }
}
