package io.github.distillcuda.user;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Folders of a user by the XDG base directory specification, each an absolute path. A container's
 * user may have neither.
 *
 * @param home the home folder
 * @param cache this program's folder in the user's cache: what is in it can be made again
 */
public record UserFolders(Optional<Path> home, Optional<Path> cache) {
  /** Those of the user who runs this process. */
  public static UserFolders ofThisProcess() {
    return of(System::getenv, System.getProperty("user.home"));
  }

  /**
   * Those of the user whom {@code environment} describes.
   *
   * @param environment {@code System::getenv}, or a stand-in
   * @param userHome what the system says of the user, who may set {@code HOME} to another; Java has
   *     a question mark where it knows none
   */
  public static UserFolders of(UnaryOperator<String> environment, String userHome) {
    Optional<Path> home = firstAbsolute(environment.apply("HOME"), userHome);
    Optional<Path> caches =
        firstAbsolute(environment.apply("XDG_CACHE_HOME"))
            .or(() -> home.map(folder -> folder.resolve(".cache")));
    return new UserFolders(home, caches.map(folder -> folder.resolve("distill-cuda")));
  }

  /** The specification: "All paths ... must be absolute", others are to be ignored. */
  private static Optional<Path> firstAbsolute(String... paths) {
    return Stream.of(paths)
        .flatMap(Stream::ofNullable)
        .map(Path::of)
        .filter(Path::isAbsolute)
        .findFirst();
  }
}
