package io.github.distillcuda.data;

import static io.github.distillcuda.data.BinaryLayoutTest.assertFault;
import static io.github.distillcuda.data.MirrorServer.chunked;
import static io.github.distillcuda.data.MirrorServer.cutOff;
import static io.github.distillcuda.data.MirrorServer.drip;
import static io.github.distillcuda.data.MirrorServer.part;
import static io.github.distillcuda.data.MirrorServer.redirect;
import static io.github.distillcuda.data.MirrorServer.status;
import static io.github.distillcuda.data.MirrorServer.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.data.Cifar10Release.Mirror;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What servers, proxies, disks and other processes may do to a download. */
@Timeout(60)
class DownloaderTest extends DownloaderFixture {
  @Test
  void fetchesOnceAndThenFindsIt() {
    first.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(notes.byteCount).isEqualTo(archive.length).isEqualTo(notes.total);
    assertFetched(fetch(), archive);
    assertThat(first.requests()).containsExactly("/" + BINARY);
  }

  @Test
  void wrongContentIsDeletedAndTheNextServerTried() {
    byte[] other = archive.clone();
    other[half] ^= 1;
    first.answer(whole(other, ""));
    second.answer(whole(other, ""));
    assertNothing("the checksum is wrong, the download is deleted");
    assertThat(partFile()).doesNotExist();
    assertThat(first.requests()).hasSize(1);
    second.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
  }

  @Test
  void redirectsAreFollowed() {
    first.answer(redirect("/elsewhere"), redirect(second.address("there")));
    second.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(first.requests()).containsExactly("/" + BINARY, "/elsewhere");
    assertThat(second.requests()).containsExactly("/there");
  }

  @Test
  void endlessRedirectsAndThoseToNowhereEnd() {
    MirrorServer.Answer round = redirect("/round");
    first.answer(round, round, round, round, round, round, round);
    second.answer(redirect("file:///etc/passwd"));
    assertNothing("more than 5 redirects", "redirects to nowhere (file:///etc/passwd)");
    assertThat(first.requests()).hasSize(6);
  }

  @Test
  void busyServerIsTriedThreeTimesWithGrowingPauses() {
    first.answer(status(500), status(503), status(429));
    second.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(first.requests()).hasSize(3);
    assertThat(pauses).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2));
  }

  @Test
  void errorPageIsNotTakenForTheFile() {
    byte[] page = "<html>Service Unavailable</html>".getBytes(StandardCharsets.UTF_8);
    first.answer(
        exchange -> {
          exchange.getResponseHeaders().set("Content-Type", "text/html\u009b2J");
          whole(page, "").to(exchange);
        });
    second.answer(chunked(page));
    assertNothing(
        "sends 32 bytes of text/html\\u{00009b}2J, expected",
        "sends something that is not a .tar.gz");
  }

  @Test
  void moreThanTheFileIsRefused() {
    first.answer(chunked(Arrays.copyOf(archive, archive.length + 1)));
    second.answer(chunked(archive));
    assertFetched(fetch(), archive);
    assertThat(notes.lines).anyMatch(line -> line.contains("sends more than the file's"));
  }

  /** By a clock that goes on by a second with every look at it: a byte a second, 100 wanted. */
  @Test
  void slowServerIsLeftAndItsBytesAreKept() {
    AtomicLong clock = new AtomicLong();
    rules = rules(100, Duration.ofSeconds(15), () -> clock.addAndGet(1_000_000_000));
    first.answer(drip(archive, 200, 5, 0));
    second.answer(part(archive));
    assertFetched(fetch(), archive);
    assertThat(notes.lines).anyMatch(line -> line.contains("too slow: "));
    assertThat(second.requests().get(0)).matches("/" + BINARY + " bytes=[1-9][0-9]*-");
  }

  @Test
  void silentServerIsLeft() {
    rules = rules(0, Duration.ofSeconds(2), System::nanoTime);
    first.answer(drip(archive, 1, 0, 50_000));
    second.answer(whole(archive, ""));
    assertFetched(fetch(), archive);
    assertThat(notes.lines).anyMatch(line -> line.contains("no answer in time"));
  }

  @Test
  void otherArchiveOfTheSameSetServesAsWell() {
    first.answer(cutOff(archive, "", half), status(404));
    second.answer(whole(python, ""));
    assertFetched(fetch(first.address(BINARY), second.address(PYTHON)), python);
  }

  @Test
  void unreachableServersAreNamedWithTheirReasons() {
    first.close();
    second.close();
    assertNothing("127.0.0.1: cannot be reached (Connection refused)");
    assertThat(pauses).as("trying again at once does not help").isEmpty();
    assertThatThrownBy(() -> fetch("http://no-such-host.invalid/" + BINARY))
        .satisfies(
            e -> assertFault(e, "no-such-host.invalid: cannot be reached (its name is not known)"));
  }

  @Test
  void wrongFileUnderTheNameIsNotUsed() throws IOException {
    Files.createDirectories(folder());
    Files.write(folder().resolve(BINARY), new byte[5]);
    assertThatThrownBy(this::fetch)
        .satisfies(e -> assertFault(e, BINARY, "the checksums are not the official ones"));
  }

  @Test
  void folderThatCannotBeMadeIsADiskError() throws IOException {
    Files.writeString(temp.resolve("cache \u00fc"), "a file");
    assertThatThrownBy(this::fetch)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }

  /** A folder where the partial file should be stands for any disk that refuses. */
  @Test
  void diskTroubleIsNotBlamedOnTheServer() throws IOException {
    Files.createDirectories(partFile().resolve("full"));
    first.answer(whole(archive, ""));
    assertThatThrownBy(this::fetch)
        .hasMessageContaining(".part: cannot be written")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }

  @Test
  void proxyIsAskedForTheWholeAddress() {
    first.answer(whole(archive, ""));
    String proxy = first.address("");
    Cifar10Release release = small.release("http://far.invalid/" + BINARY);
    EnvironmentProxy proxies =
        new EnvironmentProxy(name -> name.equals("http_proxy") ? proxy : null);
    assertFetched(
        new Downloader(release, rules, proxies).fetch(folder(), "choose another", notes), archive);
    assertThat(first.requests()).containsExactly("http://far.invalid/" + BINARY);
  }

  /** Another process holds the lock: this one says so, waits, and takes the other's result. */
  @Test
  void waitsForAnotherProcess() throws IOException, InterruptedException {
    Files.createDirectories(folder());
    Path source = Files.writeString(temp.resolve("Holder.java"), HOLDER);
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process holder =
        new ProcessBuilder(java, source.toString(), folder().resolve("download.lock").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(holder.inputReader().readLine()).isEqualTo("held");
      Notes waiting =
          new Notes() {
            @Override
            public void note(String line) {
              super.note(line);
              if (line.contains("waiting for it")) {
                Thread.ofVirtual().start(() -> finish(holder));
              }
            }
          };
      Cifar10Release release = small.release(first.address(BINARY));
      Path file =
          new Downloader(release, rules, new EnvironmentProxy(name -> null))
              .fetch(folder(), "choose another", waiting);
      assertFetched(file, archive);
      assertThat(waiting.lines).anyMatch(line -> line.contains("another process downloads to"));
      assertThat(first.requests()).isEmpty();
    } finally {
      holder.destroyForcibly().waitFor();
    }
  }

  /** A while later the other process has the file and lets the lock go. */
  private void finish(Process holder) {
    try {
      Thread.sleep(500);
      Files.write(folder().resolve(BINARY), archive);
      holder.getOutputStream().close();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static final String HOLDER =
      """
      import java.nio.channels.FileChannel;
      import java.nio.file.*;
      class Holder {
        public static void main(String[] arguments) throws Exception {
          try (FileChannel channel = FileChannel.open(
              Path.of(arguments[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.lock();
            System.out.println("held");
            System.in.read();
          }
        }
      }
      """;

  @Test
  void officialServersAreAskedOverHttps() {
    List<Mirror> mirrors = Cifar10Release.OFFICIAL.mirrors();
    assertThat(mirrors).hasSizeGreaterThan(2);
    assertThat(mirrors).allMatch(mirror -> mirror.address().getScheme().equals("https"));
    assertThat(mirrors.get(0).address())
        .hasToString("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz");
  }

  /** While a server is silent; the next one is not asked, and what came is kept. */
  @Test
  void anInterruptedDownloadEndsAtOnce() throws InterruptedException {
    first.answer(drip(archive, 2, 0, 60_000));
    CountDownLatch begun = new CountDownLatch(1);
    AtomicReference<RuntimeException> end = new AtomicReference<>();
    Notes counting =
        new Notes() {
          @Override
          public void transferred(String server, long newCount, long newTotal) {
            begun.countDown();
          }
        };
    Thread download =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    fetch(counting, first.address(BINARY), second.address(BINARY));
                  } catch (RuntimeException e) {
                    end.set(e);
                  }
                });
    begun.await();
    download.interrupt();
    assertThat(download.join(Duration.ofSeconds(15))).as("before its patience ends").isTrue();
    assertThat(end.get()).hasMessageContaining("the download was interrupted; run again to go on");
    assertThat(((DistillException) end.get()).exitCode()).isEqualTo(ExitCode.INTERRUPTED);
    assertThat(second.requests()).isEmpty();
    assertThat(counting.lines).singleElement().asString().startsWith("downloading ");
  }
}
