package io.github.distillcuda.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Where CIFAR-10 is looked for without being told: {@code ./data}, where torchvision puts it by
 * custom; the user's cache folder, where downloads go; and where Keras keeps it.
 *
 * @param searched the folders to look into, in order
 * @param downloads the folder for downloads, one of the above
 */
record DataPlaces(List<Path> searched, Path downloads) {
  /**
   * The places of a user.
   *
   * @param environment {@code System::getenv}, or a stand-in
   * @param userHome what the system says of the user, who may set {@code HOME} to another; one that
   *     is relative is none
   */
  static DataPlaces of(UnaryOperator<String> environment, String userHome) {
    Path home = absolute(environment.apply("HOME")).orElseGet(() -> Path.of(userHome));
    // the XDG base directory specification: a relative path is invalid and to be ignored
    Path cache =
        absolute(environment.apply("XDG_CACHE_HOME")).orElseGet(() -> home.resolve(".cache"));
    Path here = Path.of("./data");
    Path downloads = cache.isAbsolute() ? cache.resolve("distill-cuda") : here;
    Path keras = home.resolve(".keras").resolve("datasets");
    return new DataPlaces(List.of(here, downloads, keras), downloads);
  }

  private static Optional<Path> absolute(String path) {
    return Optional.ofNullable(path).map(Path::of).filter(Path::isAbsolute);
  }

  /** Returns the first place that holds anything of CIFAR-10. */
  Optional<Cifar10Location> find() {
    return searched.stream()
        .filter(Files::isDirectory)
        .flatMap(place -> Cifar10Location.in(place).stream())
        .findFirst();
  }

  /** Returns the searched folders for a message. */
  String inWords() {
    return searched.stream().map(Path::toString).collect(Collectors.joining(", "));
  }
}
