package io.github.distillcuda.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageDatasetTest {
  @TempDir Path temp;

  private static ImageDataset of(byte[] images, byte[] labels) {
    return ImageDataset.of("mine", List.of("a", "b"), images, labels, new byte[3072], new byte[1]);
  }

  @Test
  void ownArraysMustFitTogether() {
    byte[] images = new byte[2 * 3072];
    ImageDataset set = of(images, new byte[] {0, 1});
    images[3072] = 7;
    assertThat(set.trainImages().capacity()).isEqualTo(images.length);
    assertThat(set.trainImages().get(3072)).as("not a copy").isEqualTo((byte) 7);
    assertThat(set.trainImages().isReadOnly()).isTrue();
    assertThat(set.name()).isEqualTo("mine");
    assertThatThrownBy(() -> of(images, new byte[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("train: 6144 bytes for 3 labels");
    for (int label : new int[] {2, 255}) {
      assertThatThrownBy(() -> of(images, new byte[] {0, (byte) label}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("train: label " + label);
    }
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
