package io.github.distillcuda.data;

import static io.github.distillcuda.data.BinaryLayoutTest.assertFault;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** Two servers with a small data set, a folder to download it to, and what a listener heard. */
abstract class DownloaderFixture {
  static final String BINARY = "cifar-10-binary.tar.gz";
  static final String PYTHON = "cifar-10-python.tar.gz";

  final SmallCifar10 small = new SmallCifar10(4);
  final byte[] archive = small.binaryTar().gzip();
  final byte[] python = small.pythonTar().gzip();
  final int half = archive.length / 2;
  final MirrorServer first = new MirrorServer();
  final MirrorServer second = new MirrorServer();
  final Notes notes = new Notes();
  final List<Duration> pauses = new ArrayList<>();

  /** Rates do not matter unless a test says so. */
  TransferRules rules = rules(0, Duration.ofSeconds(20), System::nanoTime);

  @TempDir Path temp;

  /** What the listener heard. */
  static class Notes implements DataListener {
    final List<String> lines = new ArrayList<>();
    final List<String> banners = new ArrayList<>();
    long byteCount;
    long total;

    @Override
    public void note(String line) {
      lines.add(line);
    }

    @Override
    public void banner(String line) {
      banners.add(line);
    }

    @Override
    public void transferred(String server, long newCount, long newTotal) {
      byteCount = newCount;
      total = newTotal;
    }
  }

  @AfterEach
  void stop() {
    first.close();
    second.close();
  }

  final TransferRules rules(long bytesPerSecond, Duration window, LongSupplier clock) {
    return new TransferRules(
        bytesPerSecond,
        window,
        Duration.ofSeconds(5),
        3,
        Duration.ofSeconds(1),
        clock,
        pauses::add);
  }

  final Path folder() {
    return temp.resolve("cache \u00fc/distill-cuda");
  }

  final Path fetch() {
    return fetch(first.address(BINARY), second.address(BINARY));
  }

  final Path fetch(String... addresses) {
    return fetch(notes, addresses);
  }

  final Path fetch(Notes listener, String... addresses) {
    Cifar10Release release = small.release(addresses);
    return new Downloader(release, rules, new EnvironmentProxy(name -> null))
        .fetch(folder(), "choose another", listener);
  }

  final void assertFetched(Path file, byte[] content) {
    assertThat(file).hasBinaryContent(content).hasParent(folder());
    assertThat(folder().toFile().list())
        .containsOnly(file.getFileName().toString(), "download.lock");
  }

  /** Everything failed: one line that names each server's reason, and no file under the name. */
  final void assertNothing(String... words) {
    assertThatThrownBy(this::fetch)
        .satisfies(e -> assertFault(e, words))
        .hasMessageContaining("127.0.0.1: ")
        .hasMessageContaining("put " + BINARY + " into " + folder() + " by hand");
    assertThat(folder().resolve(BINARY)).doesNotExist();
  }

  final void leavePart(byte[] content) throws IOException {
    Files.createDirectories(folder());
    Files.write(folder().resolve(BINARY + ".part"), content);
  }

  final Path partFile() {
    return folder().resolve(BINARY + ".part");
  }
}
