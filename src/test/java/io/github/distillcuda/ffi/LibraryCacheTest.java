package io.github.distillcuda.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.LibraryCache.PinnedFile;
import io.github.distillcuda.user.UserFolders;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryCacheTest {
  private static final String CONTENT = "native code";
  private static final String CONTENTS = "CPU library";
  private static final String INSTEAD = "use distill-cuda.jar or --device reference";

  /** {@code printf 'native code' | sha256sum}. */
  private static final PinnedFile FILE =
      new PinnedFile(
          "libx.so", 11, "51f92d3ac859d2c5a45ad79886cfdeb647bdd00420acbc2408ffd6c082c26e4b");

  private final AtomicInteger opened = new AtomicInteger();
  private final Function<String, InputStream> packed =
      name -> {
        opened.incrementAndGet();
        return stream(CONTENT);
      };

  @TempDir Path home;
  private Path folder;
  private Path library;

  @BeforeEach
  void place() {
    folder = home.resolve("cache/native");
    library = folder.resolve("libx.so");
  }

  private static InputStream stream(String content) {
    return new ByteArrayInputStream(content.getBytes(UTF_8));
  }

  private Path provide() {
    return new LibraryCache(folder, packed, CONTENTS, INSTEAD).provide(List.of(FILE));
  }

  @Test
  void unpacksIntoAFolderOfTheUserAlone() throws IOException {
    assertThat(provide()).isEqualTo(folder);
    assertThat(library).hasContent(CONTENT);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
        .isEqualTo("rwx------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(library)))
        .isEqualTo("rw-------");
    assertNoTemporaryFiles();
  }

  @Test
  void unpacksOnce() {
    provide();
    provide();
    assertThat(opened).hasValue(1);
  }

  @Test
  void noticesAChangedFileOfTheSameSizeAndTime() throws IOException {
    provide();
    FileTime time = Files.getLastModifiedTime(library);
    Files.writeString(library, "native evil");
    Files.setLastModifiedTime(library, time);
    provide();
    assertThat(library).hasContent(CONTENT);
    assertThat(opened).hasValue(2);
  }

  @Test
  void noticesAReplacedFileOfTheSameSizeAndTime() throws IOException {
    provide();
    FileTime time = Files.getLastModifiedTime(library);
    Path other = Files.writeString(folder.resolve("other"), "native evil");
    Files.setLastModifiedTime(other, time);
    Files.delete(library);
    Files.move(other, library);
    provide();
    assertThat(library).hasContent(CONTENT);
  }

  @Test
  void replacesATruncatedFile() throws IOException {
    provide();
    Files.writeString(library, "native");
    provide();
    assertThat(library).hasContent(CONTENT);
  }

  @Test
  void replacesASymbolicLinkInsteadOfFollowingIt() throws IOException {
    provide();
    Path elsewhere = Files.writeString(home.resolve("elsewhere"), CONTENT);
    Files.delete(library);
    Files.createSymbolicLink(library, elsewhere);
    provide();
    assertThat(Files.isSymbolicLink(library)).isFalse();
    assertThat(library).hasContent(CONTENT);
  }

  @Test
  void hashesAgainWhereTheStampIsMissingOrWrong() throws IOException {
    provide();
    Path stamp = folder.resolve("libx.so.verified");
    String good = Files.readString(stamp);
    Files.delete(stamp);
    provide();
    assertThat(stamp).hasContent(good);
    Files.writeString(stamp, "garbage");
    provide();
    assertThat(stamp).hasContent(good);
    assertThat(opened).hasValue(1);
  }

  @Test
  void doesWithoutAStampThatCannotBeWritten() throws IOException {
    provide();
    Path stamp = folder.resolve("libx.so.verified");
    Files.delete(stamp);
    Files.createDirectories(stamp.resolve("in the way"));
    provide();
    assertThat(opened).hasValue(1);
    assertNoTemporaryFiles();
  }

  @Test
  void refusesAFolderThatOthersCanWrite() throws IOException {
    provide();
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwx---"));
    assertFailure(ExitCode.DISK, "not private to you");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx----w-"));
    assertFailure(ExitCode.DISK, "not private to you");
  }

  @Test
  void refusesAFolderThatIsALink() throws IOException {
    provide();
    Path link = home.resolve("link");
    Files.createSymbolicLink(link, folder);
    folder = link;
    assertFailure(ExitCode.DISK, "not private to you");
  }

  @Test
  void refusesAFileThatOthersCanWrite() throws IOException {
    provide();
    Files.setPosixFilePermissions(library, PosixFilePermissions.fromString("rw-rw----"));
    assertFailure(ExitCode.DISK, "not private to you");
  }

  @Test
  void saysWhichJarToTakeWhereTheLibraryIsNotPacked() {
    DistillException e =
        assertThrows(
            DistillException.class,
            () -> new LibraryCache(folder, name -> null, CONTENTS, INSTEAD).provide(List.of(FILE)));
    assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE);
    assertThat(e)
        .hasMessage(
            "this jar has no CPU library (libx.so); use distill-cuda.jar or --device reference");
    assertNoTemporaryFiles();
  }

  @Test
  void doesNotKeepAPackedLibraryThatIsNotTheExpectedOne() {
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(
            () ->
                new LibraryCache(folder, name -> stream("native evil"), CONTENTS, INSTEAD)
                    .provide(List.of(FILE)))
        .withMessageContaining("SHA-256")
        .matches(e -> e.exitCode() == ExitCode.DEVICE);
    assertThat(library).doesNotExist();
    assertNoTemporaryFiles();
  }

  @Test
  void saysWhereItCannotWrite() throws IOException {
    // Below a file, since root may write where permissions forbid it.
    folder = Files.writeString(home.resolve("file"), "").resolve("native");
    assertFailure(ExitCode.DISK, "set XDG_CACHE_HOME");
  }

  @Test
  void removesWhatAKilledProcessLeftAndNotWhatALiveOneWrites() throws IOException {
    provide();
    Path old = Files.writeString(folder.resolve("libx.so-1.tmp"), "part");
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minusSeconds(7200)));
    Path fresh = Files.writeString(folder.resolve("libx.so-2.tmp"), "part");
    Files.delete(library);
    provide();
    assertThat(old).doesNotExist();
    assertThat(fresh).exists();
  }

  @Test
  void manyMayUnpackAtOnce() throws Exception {
    int processes = 8;
    CountDownLatch together = new CountDownLatch(processes);
    Callable<Path> start =
        () -> {
          together.countDown();
          together.await();
          return provide();
        };
    try (ExecutorService pool = Executors.newFixedThreadPool(processes)) {
      List<Future<Path>> folders = new ArrayList<>();
      for (int i = 0; i < processes; i++) {
        folders.add(pool.submit(start));
      }
      for (Future<Path> provided : folders) {
        assertThat(provided.get()).isEqualTo(folder);
      }
    }
    assertThat(library).hasContent(CONTENT);
    assertNoTemporaryFiles();
  }

  private void assertFailure(ExitCode exitCode, String text) {
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(this::provide)
        .withMessageContaining(text)
        .withMessageContaining(folder.toString())
        .matches(e -> e.exitCode() == exitCode && !e.getMessage().contains("\n"));
  }

  private void assertNoTemporaryFiles() {
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void aUserWithoutFoldersIsToldToNameOne() {
    Optional<Path> none = Optional.empty();
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> LibraryCache.ofUser(new UserFolders(none, none)))
        .withMessageContaining("no home folder")
        .withMessageContaining("set XDG_CACHE_HOME")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DISK));
    assertThat(LibraryCache.ofUser(new UserFolders(none, Optional.of(folder))))
        .isEqualTo(folder.resolve("native"));
  }
}
