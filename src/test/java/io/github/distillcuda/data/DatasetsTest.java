package io.github.distillcuda.data;

import static io.github.distillcuda.data.BinaryLayoutTest.assertFault;
import static io.github.distillcuda.data.SmallCifar10.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.user.UserFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Under a Turkish locale, in folders with spaces and letters beyond ASCII. */
@Timeout(60)
class DatasetsTest {
  private static final DataRequest AUTO =
      new DataRequest(DataChoice.AUTO, Optional.empty(), true, OptionalInt.empty(), 7);
  private static final DataRequest CIFAR10 =
      new DataRequest(DataChoice.CIFAR10, Optional.empty(), true, OptionalInt.empty(), 7);

  private final SmallCifar10 small = new SmallCifar10(5);
  private final DownloaderFixture.Notes notes = new DownloaderFixture.Notes();
  private final MirrorServer server = new MirrorServer();
  private final Locale locale = Locale.getDefault();

  @TempDir Path temp;
  private Path local;
  private Path cache;

  @BeforeEach
  void places() {
    Locale.setDefault(Locale.forLanguageTag("tr-TR"));
    local = temp.resolve("Se\u00e7ilen veri/data");
    cache = temp.resolve("\u00f6nbellek \u4e2d/distill-cuda");
  }

  @AfterEach
  void stop() {
    Locale.setDefault(locale);
    server.close();
  }

  private Datasets datasets() {
    TransferRules rules =
        new TransferRules(
            0,
            Duration.ofSeconds(20),
            Duration.ofSeconds(5),
            1,
            Duration.ZERO,
            System::nanoTime,
            pause -> {});
    Cifar10Release release = small.release(server.address("cifar-10-binary.tar.gz"));
    Downloader downloader = new Downloader(release, rules, new EnvironmentProxy(name -> null));
    return new Datasets(new DataPlaces(List.of(local, cache), cache), release, downloader);
  }

  private DataRequest from(Path dataDir) {
    return new DataRequest(DataChoice.AUTO, Optional.of(dataDir), true, OptionalInt.empty(), 7);
  }

  private ImageDataset open(DataRequest request) {
    return datasets().open(request, notes);
  }

  private void assertSmall(ImageDataset set) {
    assertThat(bytes(set.trainImages())).isEqualTo(small.trainImages());
    assertThat(notes.banners).isEmpty();
  }

  @Test
  void explicitFolderAndArchiveAreTaken() throws IOException {
    Path folder = temp.resolve("veri k\u00fcmesi");
    SmallCifar10.write(folder.resolve("cifar-10-batches-py"), small.pythonFiles());
    assertSmall(open(from(folder)));
    assertSmall(open(from(folder.resolve("cifar-10-batches-py"))));
    Path archive = Files.write(temp.resolve("ar\u015fiv.tgz"), small.binaryTar().gzip());
    assertSmall(open(from(archive)));
    assertThat(notes.lines).last().isEqualTo("data: cifar10 from " + archive);
  }

  @Test
  void explicitPlaceNeverFallsBack() throws IOException {
    SmallCifar10.write(local, small.binaryFiles());
    Path empty = Files.createDirectories(temp.resolve("bo\u015f"));
    assertThatThrownBy(() -> open(from(empty)))
        .satisfies(
            e ->
                assertFault(
                    e, empty.toString(), "data_batch_1.bin", "cifar-10-batches-py/", "tar.gz"));
    assertThatThrownBy(() -> open(from(temp.resolve("absent"))))
        .satisfies(e -> assertFault(e, "absent", "no such file or folder"));
    Path broken = temp.resolve("broken");
    SmallCifar10.write(broken, Map.of("data_batch_1.bin", new byte[3]));
    assertThatThrownBy(() -> open(from(broken)))
        .satisfies(e -> assertFault(e, "missing data_batch_2.bin"));
    assertThat(server.requests()).isEmpty();
    assertThat(notes.banners).isEmpty();
  }

  @Test
  void localFolderComesBeforeTheCache() throws IOException {
    SmallCifar10.write(local, small.binaryFiles());
    Files.createDirectories(cache);
    Files.write(cache.resolve("cifar-10-binary.tar.gz"), new SmallCifar10(6).binaryTar().gzip());
    assertSmall(open(AUTO));
    assertThat(notes.lines)
        .hasSize(2)
        .contains("data: cifar10 (unofficial files) from " + local)
        .last()
        .asString()
        .contains("no official checksum holds");
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void cacheIsUsedWithoutTheNetwork() throws IOException {
    Files.createDirectories(cache);
    Files.write(cache.resolve("cifar-10-python.tar.gz"), small.pythonTar().gzip());
    assertSmall(open(CIFAR10));
    assertThat(server.requests()).isEmpty();
  }

  /** Passing over what someone put there would train on other data than they think. */
  @Test
  void brokenSetInASearchedPlaceIsAnErrorEvenUnderAuto() throws IOException {
    Map<String, byte[]> files = small.binaryFiles();
    files.put("data_batch_2.bin", new byte[10]);
    SmallCifar10.write(local, files);
    assertThatThrownBy(() -> open(AUTO)).satisfies(e -> assertFault(e, "data_batch_2.bin"));
  }

  @Test
  void absentSetIsDownloadedAndKept() {
    server.answer(MirrorServer.whole(small.binaryTar().gzip(), ""));
    assertSmall(open(AUTO));
    assertSmall(open(CIFAR10));
    assertThat(server.requests()).hasSize(1);
    assertThat(notes.lines).last().asString().startsWith("data: cifar10 from ");
  }

  @Test
  void autoFallsBackToTheSyntheticSetWithAWarning() {
    ImageDataset set = open(AUTO);
    assertThat(set.name()).isEqualTo("synthetic");
    assertThat(set.trainCount()).isEqualTo(50_000);
    assertThat(set.testCount()).isEqualTo(10_000);
    assertThat(notes.banners)
        .singleElement()
        .asString()
        .contains("NOT CIFAR-10", "synthetic", "HTTP 404", "cifar-10-binary.tar.gz");
  }

  @Test
  void autoFallsBackWhereTheCacheCannotBeWritten() throws IOException {
    Files.writeString(temp.resolve("\u00f6nbellek \u4e2d"), "a file");
    assertThat(open(AUTO).name()).isEqualTo("synthetic");
    assertThat(notes.banners).singleElement().asString().contains("cannot be written");
  }

  @Test
  void cifar10DoesNotFallBack() {
    assertThatThrownBy(() -> open(CIFAR10))
        .satisfies(e -> assertFault(e, "could not be downloaded", "HTTP 404", cache.toString()));
    assertThat(notes.banners).isEmpty();
  }

  @Test
  void withoutDownloadNothingIsAskedFor() {
    DataRequest offline =
        new DataRequest(DataChoice.CIFAR10, Optional.empty(), false, OptionalInt.empty(), 7);
    assertThatThrownBy(() -> open(offline))
        .satisfies(e -> assertFault(e, "--no-download", local.toString(), cache.toString()));
    DataRequest auto =
        new DataRequest(DataChoice.AUTO, Optional.empty(), false, OptionalInt.of(10), 7);
    assertThat(open(auto).name()).isEqualTo("synthetic");
    assertThat(notes.banners).singleElement().asString().contains("--no-download");
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void syntheticIsAFunctionOfTheSeedAndSubsetCutsIt() {
    DataRequest request =
        new DataRequest(DataChoice.SYNTHETIC, Optional.empty(), true, OptionalInt.of(30), 11);
    ImageDataset set = open(request);
    ImageDataset same = SyntheticDataset.create(11, 30, 10_000);
    assertThat(bytes(set.trainImages())).isEqualTo(bytes(same.trainImages()));
    assertThat(bytes(set.testImages())).isEqualTo(bytes(same.testImages()));
    assertThat(notes.banners).isEmpty();
  }

  @Test
  void requestsThatMakeNoSenseAreUsageErrors() throws IOException {
    SmallCifar10.write(local, small.binaryFiles());
    for (int subset : new int[] {-3, 0, 21}) {
      DataRequest request =
          new DataRequest(DataChoice.AUTO, Optional.empty(), true, OptionalInt.of(subset), 7);
      assertUsage(request, "--subset " + subset);
    }
    DataRequest both =
        new DataRequest(DataChoice.SYNTHETIC, Optional.of(local), true, OptionalInt.empty(), 7);
    assertUsage(both, "--data-dir");
  }

  private void assertUsage(DataRequest request, String words) {
    assertThatThrownBy(() -> open(request))
        .hasMessageContaining(words)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void verifySaysWhatIsThere() throws IOException {
    SmallCifar10.write(local, small.binaryFiles());
    DatasetReport report = datasets().verify(Optional.empty());
    assertThat(report.path()).isEqualTo(local);
    assertThat(report.form()).isEqualTo("binary folder");
    assertThat(report.isOfficial()).isFalse();
    assertThat(report.name()).isEqualTo("cifar10 (unofficial files)");
    assertThat(report.classes()).hasSize(10);
    assertThat(report.classes().stream().mapToInt(DatasetReport.ClassCount::train).sum())
        .isEqualTo(20);
    int label = small.labels[5][0];
    long expected = Arrays.stream(box(small.labels[5])).filter(l -> l == label).count();
    assertThat(report.classes().get(label).test()).isEqualTo((int) expected);
    assertThat(report.lines())
        .contains("path      " + local, "official  not known to be")
        .anyMatch(line -> line.startsWith("airplane"));

    Path archive = Files.write(temp.resolve("a.tar.gz"), small.pythonTar().gzip());
    DatasetReport official = datasets().verify(Optional.of(archive));
    assertThat(official.isOfficial()).isTrue();
    assertThat(official.form()).isEqualTo("archive");
    assertThat(official.sha256()).isEqualTo(report.sha256());
  }

  private static Integer[] box(byte[] labels) {
    Integer[] boxed = new Integer[labels.length];
    Arrays.setAll(boxed, i -> (int) labels[i]);
    return boxed;
  }

  @Test
  void verifyDownloadsNothing() {
    assertThatThrownBy(() -> datasets().verify(Optional.empty()))
        .satisfies(e -> assertFault(e, "data fetch", local.toString()));
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void fetchGivesTheArchive() {
    server.answer(MirrorServer.whole(small.binaryTar().gzip(), ""));
    assertThat(datasets().fetch(Optional.empty(), notes))
        .isEqualTo(cache.resolve("cifar-10-binary.tar.gz"));
    server.answer(MirrorServer.whole(small.binaryTar().gzip(), ""));
    Path elsewhere = temp.resolve("elsewhere");
    assertThat(datasets().fetch(Optional.of(elsewhere), notes))
        .isEqualTo(elsewhere.resolve("cifar-10-binary.tar.gz"));
  }

  @Test
  void aUserWithoutFoldersHasThisOne() {
    Path home = Path.of("/home/me");
    Path cached = Path.of("/cache/distill-cuda");
    assertThat(DataPlaces.of(new UserFolders(Optional.of(home), Optional.of(cached))))
        .isEqualTo(
            new DataPlaces(
                List.of(Path.of("./data"), cached, home.resolve(".keras/datasets")), cached));
    Path here = Path.of("./data");
    assertThat(DataPlaces.of(new UserFolders(Optional.empty(), Optional.empty())))
        .isEqualTo(new DataPlaces(List.of(here), here));
  }
}
