package io.github.distillcuda.data;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.user.UserFolders;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The entrance of this package: opens the data set that a run asks for, and serves the {@code data}
 * command.
 */
public final class Datasets {
  private static final String OTHER_CACHE =
      "set XDG_CACHE_HOME to another, or use data fetch --to DIR and then --data-dir DIR";

  private final DataPlaces places;
  private final Cifar10Release release;
  private final Downloader downloader;

  Datasets(DataPlaces places, Cifar10Release release, Downloader downloader) {
    this.places = places;
    this.release = release;
    this.downloader = downloader;
  }

  /** The data sets of the user who runs the program. */
  public static Datasets ofUser() {
    DataPlaces places = DataPlaces.of(UserFolders.ofThisProcess());
    EnvironmentProxy proxies = new EnvironmentProxy(System::getenv);
    Cifar10Release release = Cifar10Release.OFFICIAL;
    return new Datasets(places, release, new Downloader(release, TransferRules.STANDARD, proxies));
  }

  /**
   * Opens the data set that is asked for. With {@link DataChoice#AUTO}, and without {@code
   * --data-dir}, the synthetic set takes the place of a CIFAR-10 that can be neither found nor
   * downloaded, and the listener is warned; one that is found and broken is an error always.
   *
   * @throws DistillException with {@link ExitCode#DATA} if the data is missing or invalid, with
   *     {@link ExitCode#USAGE} if there are fewer images than the subset is to have
   */
  public ImageDataset open(DataRequest request, DataListener listener) {
    checkUsage(request);
    ImageDataset set =
        request.choice() == DataChoice.SYNTHETIC
            ? synthetic(request)
            : openCifar10(request, listener);
    return request.subset().isPresent() ? set.subset(request.subset().getAsInt()) : set;
  }

  private static void checkUsage(DataRequest request) {
    if (request.choice() == DataChoice.SYNTHETIC && request.dataDir().isPresent()) {
      throw new DistillException(
          ExitCode.USAGE, "--data synthetic reads no files: leave out --data-dir, or --data");
    }
  }

  private ImageDataset openCifar10(DataRequest request, DataListener listener) {
    Optional<Cifar10Location> found = locate(request);
    if (found.isPresent()) {
      return read(found.get(), listener);
    }
    Path archive;
    try {
      archive = download(request, listener);
    } catch (DistillException absent) {
      boolean mayReplace = absent.exitCode() == ExitCode.DATA || absent.exitCode() == ExitCode.DISK;
      // Whoever interrupts wants no data at all.
      boolean unwanted = Thread.currentThread().isInterrupted();
      if (request.choice() != DataChoice.AUTO || !mayReplace || unwanted) {
        throw absent;
      }
      listener.banner(
          "NOT CIFAR-10: training on the built-in synthetic pictures, so these results say nothing"
              + " about CIFAR-10. "
              + absent.getMessage());
      return synthetic(request);
    }
    return read(new Cifar10Location.Archive(archive), listener);
  }

  /** A few pictures are drawn, which are the first of the whole set; that one is kept. */
  private ImageDataset synthetic(DataRequest request) {
    int test = SyntheticDataset.TEST_COUNT;
    int train = request.subset().orElse(SyntheticDataset.TRAIN_COUNT);
    return train < SyntheticDataset.TRAIN_COUNT
        ? SyntheticDataset.create(request.seed(), train, test)
        : new SyntheticCache(places.downloads())
            .open(request.seed(), SyntheticDataset.TRAIN_COUNT, test);
  }

  private Optional<Cifar10Location> locate(DataRequest request) {
    return request.dataDir().isPresent()
        ? Optional.of(Cifar10Location.at(request.dataDir().get()))
        : places.find();
  }

  private Path download(DataRequest request, DataListener listener) {
    if (!request.mayDownload()) {
      throw DataFault.data(
          "CIFAR-10 is in none of %s, and --no-download forbids fetching it; put %s into one of"
              + " them or give --data-dir",
          places.inWords(), release.binary().fileName());
    }
    listener.note("CIFAR-10 is in none of " + places.inWords());
    return downloader.fetch(places.downloads(), OTHER_CACHE, listener);
  }

  private ImageDataset read(Cifar10Location location, DataListener listener) {
    ImageDataset set = new Cifar10Reader(release).read(location);
    listener.note("data: " + set.name() + " from " + location.path());
    if (set.name().equals(Cifar10Release.UNOFFICIAL_NAME)) {
      listener.note(
          "no official checksum holds for these files: their accuracy may not compare with"
              + " published numbers");
    }
    return set;
  }

  /**
   * Returns an official archive in a folder, downloaded if it is not there: {@code data fetch}.
   *
   * @param folder the folder; the user's cache folder if empty
   */
  public Path fetch(Optional<Path> folder, DataListener listener) {
    return folder
        .map(named -> downloader.fetch(named, "choose another folder for --to", listener))
        .orElseGet(() -> downloader.fetch(places.downloads(), OTHER_CACHE, listener));
  }

  /**
   * Reads what is there, in {@code --data-dir} or the places searched without it, and says what it
   * is: {@code data verify}. Downloads nothing.
   *
   * @throws DistillException with {@link ExitCode#DATA} if nothing is there or it is invalid
   */
  public DatasetReport verify(Optional<Path> dataDir) {
    Cifar10Location location =
        dataDir
            .map(Cifar10Location::at)
            .or(places::find)
            .orElseThrow(
                () ->
                    DataFault.data(
                        "CIFAR-10 is in none of %s; run data fetch or give --data-dir",
                        places.inWords()));
    return DatasetReport.of(location, new Cifar10Reader(release).read(location));
  }

  /**
   * Writes the synthetic set of {@code seed} into {@code folder}, in CIFAR-10's binary layout and
   * size: {@code data synthesize --to}. Overwrites nothing.
   */
  public void synthesize(long seed, Path folder) {
    BinaryLayoutWriter.write(SyntheticDataset.create(seed), folder);
  }
}
