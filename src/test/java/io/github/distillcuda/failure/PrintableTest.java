package io.github.distillcuda.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatIsNotPlainlyVisibleIsWrittenAsACodePoint() {
    assertThat(Printable.line("a\n\u001b[2J\u009b2J\u202eb\u2028\ue000\ud800"))
        .isEqualTo(
            "a\\u{00000a}\\u{00001b}[2J\\u{00009b}2J\\u{00202e}b\\u{002028}\\u{00e000}\\u{00d800}");
    assertThat(Printable.line("Grün 日本 \ud83d\ude00?")).isEqualTo("Grün 日本 \ud83d\ude00?");
  }

  @Test
  void longNamesAreCutAndEmptyOnesShown() {
    assertThat(Printable.name("a".repeat(80))).isEqualTo("a".repeat(80));
    assertThat(Printable.name("a".repeat(81))).isEqualTo("a".repeat(80) + "...");
    assertThat(Printable.name("")).isEqualTo("''");
  }

  @Test
  void reasonsLeaveThePathOut() {
    assertReason(new NoSuchFileException("p"), "there is no such file or folder");
    assertReason(new AccessDeniedException("p"), "permission denied");
    assertReason(new FileAlreadyExistsException("p"), "a file of this name is in the way");
    assertReason(new FileSystemException("p", null, "Is a directory"), "Is a directory");
    assertReason(new FileNotFoundException("p (1) (Permission denied)"), "Permission denied");
    assertReason(new FileNotFoundException(), "FileNotFoundException");
    assertReason(new IOException("reset\u009b"), "reset\\u{00009b}");
    assertReason(new IOException(" "), "IOException");
  }

  private static void assertReason(IOException cause, String reason) {
    assertThat(Printable.reason(cause)).isEqualTo(reason);
  }
}
