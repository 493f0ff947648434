package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.checkpoint.CheckpointFolder.Found;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

class CheckpointFolderTest {
  @TempDir Path parent;
  private Path folder;

  @BeforeEach
  void nameFolder() {
    folder = parent.resolve("run 1/ä/checkpoint");
  }

  @Test
  void beginsWithNothing() {
    assertThat(CheckpointFolder.open(folder).newest()).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void keepsTheNewestTwo() {
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    for (int sequence : new int[] {0, 1, 5, 5, 900}) {
      checkpoints.save(sequence, RunCheckpointTest.checkpoint(sequence));
      Found found = checkpoints.newest().orElseThrow();
      assertThat(found.sequence()).isEqualTo(sequence);
      assertThat(found.checkpoint().state().get("step").getAsInt()).isEqualTo(sequence);
      assertThat(found.skipped()).isEmpty();
    }
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder(name(5), name(900));
  }

  @Test
  @ResourceLock(Resources.LOCALE)
  void namesFilesAlikeInEveryLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      CheckpointFolder.open(folder).save(12, RunCheckpointTest.checkpoint(12));
    } finally {
      Locale.setDefault(before);
    }
    assertThat(folder.toFile().list()).containsExactly("checkpoint-0000000012.ckpt");
    assertThat(CheckpointFolder.open(folder).newest().orElseThrow().sequence()).isEqualTo(12);
  }

  @Test
  void offersTheOneBeforeWhereverTheNewestIsCutOff() throws IOException {
    byte[] newest = saveTwo();
    for (int point = 0; point < 50; point++) {
      assertSkipsNewest(Arrays.copyOf(newest, newest.length * point / 50));
    }
  }

  @Test
  void offersTheOneBeforeWhereverTheNewestIsDamaged() throws IOException {
    byte[] newest = saveTwo();
    for (int part = 0; part < 64; part++) {
      byte[] damaged = newest.clone();
      damaged[newest.length * part / 64] ^= 0x10;
      assertSkipsNewest(damaged);
    }
  }

  private byte[] saveTwo() throws IOException {
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    checkpoints.save(1, RunCheckpointTest.checkpoint(1));
    checkpoints.save(2, RunCheckpointTest.checkpoint(2));
    return Files.readAllBytes(folder.resolve(name(2)));
  }

  private void assertSkipsNewest(byte[] content) throws IOException {
    Path newest = Files.write(folder.resolve(name(2)), content);
    Found found = CheckpointFolder.open(folder).newest().orElseThrow();
    assertThat(found.sequence()).isEqualTo(1);
    assertThat(found.checkpoint().state().get("step").getAsInt()).isEqualTo(1);
    assertThat(found.skipped()).singleElement().asString().startsWith(newest + ": it is ");
    assertThat(newest).hasBinaryContent(content);
  }

  @Test
  void neverStartsFromScratchUnasked() throws IOException {
    saveTwo();
    Files.write(folder.resolve(name(2)), new byte[0]);
    Files.write(folder.resolve(name(1)), new byte[99]);
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    assertThatThrownBy(checkpoints::newest)
        .hasMessageStartingWith("no checkpoint can be used (" + folder.resolve(name(2)))
        .hasMessageContaining(folder.resolve(name(1)).toString())
        .hasMessageContaining("nothing was deleted")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DATA);
    assertThatThrownBy(() -> checkpoints.save(3, RunCheckpointTest.checkpoint(3)))
        .hasMessageContaining("has checkpoints of an earlier run");
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder(name(1), name(2));
  }

  @Test
  void doesNotOverwriteAnEarlierRun() throws IOException {
    saveTwo();
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    assertThatThrownBy(() -> checkpoints.save(0, RunCheckpointTest.checkpoint(0)))
        .hasMessageContaining("continue it with --resume or choose another folder with --out")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder(name(1), name(2));
  }

  @Test
  void dropsADamagedOneOnceANewOneIsSafe() throws IOException {
    saveTwo();
    Files.write(folder.resolve(name(9)), new byte[99]);
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    assertThat(checkpoints.newest().orElseThrow().sequence()).isEqualTo(2);
    assertThatThrownBy(() -> checkpoints.save(1, RunCheckpointTest.checkpoint(1)))
        .isInstanceOf(IllegalArgumentException.class);
    checkpoints.save(3, RunCheckpointTest.checkpoint(3));
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder(name(2), name(3));
    assertThatThrownBy(() -> checkpoints.save(2, RunCheckpointTest.checkpoint(2)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void keepsTheOldOnesWhenANewOneCannotBeSaved() throws IOException {
    saveTwo();
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    checkpoints.newest();
    Files.createDirectory(folder.resolve(name(3)));
    assertThatThrownBy(() -> checkpoints.save(3, RunCheckpointTest.checkpoint(3)))
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder(name(1), name(2), name(3));
    Found found = CheckpointFolder.open(folder).newest().orElseThrow();
    assertThat(found.sequence()).isEqualTo(2);
    assertThat(found.skipped().getFirst()).contains("is a folder");
  }

  @Test
  void ignoresAndRemovesWhatWasNeverFinished() throws IOException {
    byte[] newest = saveTwo();
    Files.write(folder.resolve(name(3) + ".0123456789abcdef.tmp"), newest);
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder(name(1), name(2));
    assertThat(checkpoints.newest().orElseThrow().sequence()).isEqualTo(2);
  }

  @Test
  void leavesOtherFilesAlone() throws IOException {
    saveTwo();
    Files.writeString(folder.resolve("checkpoint-1.ckpt"), "mine");
    Files.writeString(folder.resolve("checkpoint-9999999999.ckpt"), "mine too");
    CheckpointFolder checkpoints = CheckpointFolder.open(folder);
    checkpoints.newest();
    checkpoints.save(3, RunCheckpointTest.checkpoint(3));
    checkpoints.remove();
    assertThat(folder.toFile().list())
        .containsExactlyInAnyOrder("checkpoint-1.ckpt", "checkpoint-9999999999.ckpt");
  }

  @Test
  void goesWhenTheRunIsDone() throws IOException {
    saveTwo();
    CheckpointFolder.open(folder).remove();
    assertThat(folder).doesNotExist();
    assertThat(folder.getParent()).isEmptyDirectory();
  }

  private static String name(int sequence) {
    return "checkpoint-"
        + "0".repeat(10 - Integer.toString(sequence).length())
        + sequence
        + ".ckpt";
  }
}
