package io.github.distillcuda.data;

import static io.github.distillcuda.data.MirrorServer.cutOff;
import static io.github.distillcuda.data.MirrorServer.part;
import static io.github.distillcuda.data.MirrorServer.status;
import static io.github.distillcuda.data.MirrorServer.whole;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A download goes on where it ended, at any server that has the rest of the same file. */
@Timeout(60)
class DownloadResumeTest extends DownloaderFixture {
  @Test
  void resumesWhereTheConnectionBroke() {
    first.answer(cutOff(archive, "\"v1\"", half), part(archive));
    assertFetched(fetch(), archive);
    assertThat(first.requests())
        .containsExactly("/" + BINARY, "/" + BINARY + " bytes=" + half + "- if \"v1\"");
    assertThat(pauses).containsExactly(Duration.ofSeconds(1));
  }

  @Test
  void resumesAfterARestartOfTheProgram() {
    first.answer(cutOff(archive, "\"v1\"", half), status(404));
    second.answer(status(404));
    assertNothing("HTTP 404");
    assertThat(partFile()).hasSize(half);
    first.answer(part(archive));
    assertFetched(fetch(), archive);
    assertThat(first.requests()).last().isEqualTo("/" + BINARY + " bytes=" + half + "- if \"v1\"");
  }

  /** The mark of one server means nothing to another; the checksums vouch for the result. */
  @Test
  void resumesAtAnotherServerWithoutTheFirstOnesMark() {
    first.answer(cutOff(archive, "\"v1\"", half), status(403));
    second.answer(part(archive));
    assertFetched(fetch(), archive);
    assertThat(second.requests()).containsExactly("/" + BINARY + " bytes=" + half + "-");
  }

  @Test
  void startsAnewWhereTheServerHasAnotherVersion() {
    first.answer(cutOff(archive, "\"v1\"", half), whole(archive, "\"v2\""));
    assertFetched(fetch(), archive);
  }

  @Test
  void weakMarkIsNotUsedToResume() {
    first.answer(cutOff(archive, "W/\"v1\"", half), part(archive));
    assertFetched(fetch(), archive);
    assertThat(first.requests()).last().isEqualTo("/" + BINARY + " bytes=" + half + "-");
  }

  @Test
  void wrongPartIsThrownAway() {
    first.answer(
        cutOff(archive, "", half),
        part(archive, half - 1, archive.length - 1, archive.length),
        whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(first.requests()).last().isEqualTo("/" + BINARY);
    assertThat(notes.lines).anyMatch(line -> line.contains("wrong part of the file (bytes "));
  }

  @Test
  void partOfAnotherFileIsThrownAway() {
    first.answer(
        cutOff(archive, "", half),
        part(archive, half, archive.length - 1, archive.length + 5),
        part(archive, 0, archive.length - 1, archive.length));
    second.answer(status(404));
    assertNothing("answered with the wrong part of the file");
  }

  /** The right place is claimed and other bytes are sent: only the checksum can tell. */
  @Test
  void lyingPartIsFoundByTheChecksumAndFetchedAgain() {
    byte[] lie = archive.clone();
    lie[archive.length - 1] ^= 1;
    first.answer(cutOff(archive, "", half), part(lie), whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(notes.lines).anyMatch(line -> line.contains("the checksum is wrong"));
  }

  @Test
  void rangeNotSatisfiableStartsAnew() throws IOException {
    leavePart(Arrays.copyOf(archive, half));
    first.answer(status(416), whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(first.requests())
        .containsExactly("/" + BINARY + " bytes=" + half + "-", "/" + BINARY);
  }

  @Test
  void wholePartNeedsNoServerAndAnOverlongOneIsWorthNothing() throws IOException {
    leavePart(archive);
    assertFetched(fetch(), archive);
    assertThat(first.requests()).isEmpty();
    Files.delete(folder().resolve(BINARY));
    leavePart(Arrays.copyOf(archive, archive.length + 1));
    first.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(first.requests()).containsExactly("/" + BINARY);
  }

  @Test
  void partOfTheRightSizeAndWrongContentIsNotTakenForWhole() throws IOException {
    leavePart(new byte[archive.length]);
    first.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
  }
}
