package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The folder of a run: which one it takes, and what stays of one that came to nothing. */
class RunFolderTest {
  @TempDir Path temporary;
  private Path root;

  @BeforeEach
  void name() {
    root = temporary.resolve("runs/2026-11-27-101500");
  }

  @Test
  void runsOfTheSameSecondTakeFoldersOfTheirOwn() throws IOException {
    Files.createDirectories(root);
    Files.writeString(root.resolve("config.json"), "{}"); // of a run that is resumed later
    try (RunFolder second = RunFolder.createNumbered(root);
        RunFolder third = RunFolder.createNumbered(root)) {
      assertThat(second.root()).isEqualTo(temporary.resolve("runs/2026-11-27-101500-2"));
      assertThat(third.root()).isEqualTo(temporary.resolve("runs/2026-11-27-101500-3"));
    }
  }

  @Test
  void aFolderThatCannotBeMadeIsNotTriedForEver() throws IOException {
    Files.writeString(temporary.resolve("runs"), "a file");
    assertThatThrownBy(() -> RunFolder.createNumbered(root))
        .isInstanceOf(DistillException.class)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }

  @Test
  void whatWasMadeForARunThatLeftNothingIsRemoved() {
    RunFolder.create(root).close();
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void whatWasThereBeforeOrHoldsAnythingStays() throws IOException {
    Path there = Files.createDirectories(temporary.resolve("there"));
    RunFolder.create(there).close();
    assertThat(there).isDirectory();

    try (RunFolder one = RunFolder.create(root);
        RunFolder other = RunFolder.createNumbered(root)) {
      Files.writeString(other.root().resolve("nan-dump.safetensors"), "kept");
      assertThat(one.root()).isNotEqualTo(other.root());
    }
    assertThat(root).doesNotExist();
    assertThat(root.resolveSibling("2026-11-27-101500-2"))
        .isDirectoryContaining("glob:**nan-dump*");
  }

  @Test
  void aFolderThatIsHeldStaysWithItsHolder() {
    try (RunFolder holder = RunFolder.create(root)) {
      assertThatThrownBy(() -> RunFolder.create(root)).hasMessageContaining("this process");
      assertThat(holder.root().resolve(".lock")).exists();
    }
    assertThat(root).doesNotExist();
  }
}
