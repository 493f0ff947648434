package io.github.distillcuda.data;

import io.github.distillcuda.user.UserFolders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Where CIFAR-10 is looked for without being told: {@code ./data}, where torchvision puts it by
 * custom; the user's cache folder, where downloads go; and where Keras keeps it.
 *
 * @param searched the folders to look into, in order
 * @param downloads the folder for downloads, one of the above
 */
record DataPlaces(List<Path> searched, Path downloads) {
  /** The places of a user; downloads of one who has no cache folder go to {@code ./data}. */
  static DataPlaces of(UserFolders user) {
    Path here = Path.of("./data");
    List<Path> searched = new ArrayList<>(List.of(here));
    user.cache().ifPresent(searched::add);
    user.home().ifPresent(home -> searched.add(home.resolve(".keras").resolve("datasets")));
    return new DataPlaces(searched, user.cache().orElse(here));
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
