package io.github.distillcuda.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The search for one library: every place that was tried, and what the loader said of it.
 *
 * <p>By the name alone the loader looks in LD_LIBRARY_PATH and in its cache.
 */
public final class CudaLibrarySearch {
  /**
   * A place that was tried.
   *
   * @param place a file, or a name that was left to the loader
   * @param outcome {@code loaded}, {@code no such file}, or the loader's own reason
   */
  public record Attempt(String place, String outcome) {}

  private static final String LOADED = "loaded";

  private final List<String> names;
  private final List<Attempt> attempts = new ArrayList<>();
  private SharedLibrary library;
  private String location;

  /**
   * Prepares a search.
   *
   * @param names file names, the best first
   */
  CudaLibrarySearch(List<String> names) {
    this.names = List.copyOf(names);
  }

  /** Looks for each name in the folders. */
  void lookIn(List<Path> folders) {
    for (String name : names) {
      for (Path folder : folders) {
        if (library == null) {
          tryFile(folder.resolve(name));
        }
      }
    }
  }

  private void tryFile(Path file) {
    if (!Files.exists(file)) {
      attempts.add(new Attempt(file.toString(), "no such file"));
      return;
    }
    try {
      library = SharedLibrary.open(file);
      location = file.toString();
      attempts.add(new Attempt(location, LOADED));
    } catch (UnsatisfiedLinkError e) {
      attempts.add(new Attempt(file.toString(), e.getMessage()));
    }
  }

  /**
   * Leaves the search to the loader, by name.
   *
   * @param function one that the library exports: where it lies tells which file the loader took
   */
  void askLoader(String function) {
    for (String name : names) {
      if (library == null) {
        tryName(name, function);
      }
    }
  }

  private void tryName(String name, String function) {
    try {
      library = SharedLibrary.openByName(name);
      location = library.find(function).flatMap(code -> mappedFile(code.address())).orElse(name);
      attempts.add(new Attempt(location, LOADED));
    } catch (UnsatisfiedLinkError e) {
      attempts.add(new Attempt(name, e.getMessage()));
    }
  }

  /**
   * Returns the file that lies at an address, as the kernel lists it: the one that links led to,
   * such as {@code libcuda.so.580.65.06}, by whose name nobody can look for it.
   */
  private static Optional<String> mappedFile(long address) {
    try (Stream<String> mappings = Files.lines(Path.of("/proc/self/maps"))) {
      return mappings
          .filter(mapping -> mapping.contains("/") && covers(mapping, address))
          .map(mapping -> mapping.substring(mapping.indexOf('/')))
          .findFirst();
    } catch (IOException notLinux) {
      return Optional.empty();
    }
  }

  /** A line begins with the first address and the one behind the last, as {@code 7f00-7f80}. */
  private static boolean covers(String mapping, long address) {
    String[] bounds = mapping.substring(0, mapping.indexOf(' ')).split("-");
    return Long.compareUnsigned(Long.parseUnsignedLong(bounds[0], 16), address) <= 0
        && Long.compareUnsigned(address, Long.parseUnsignedLong(bounds[1], 16)) < 0;
  }

  Optional<SharedLibrary> library() {
    return Optional.ofNullable(library);
  }

  /** Returns the name that was looked for first. */
  public String name() {
    return names.getFirst();
  }

  /** Returns the file that was loaded. */
  public Optional<String> location() {
    return Optional.ofNullable(location);
  }

  /** Returns what was tried, in order. */
  public List<Attempt> attempts() {
    return List.copyOf(attempts);
  }

  /** Returns on one line why nothing was loaded: the refusals, or that there was no such file. */
  String failure() {
    List<String> refusals =
        attempts.stream()
            .filter(attempt -> !attempt.outcome().equals("no such file"))
            .map(Attempt::outcome)
            .toList();
    return refusals.isEmpty() ? String.join(" and ", names) + " not found" : refusals.getFirst();
  }
}
