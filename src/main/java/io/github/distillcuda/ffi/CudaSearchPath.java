package io.github.distillcuda.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The folders in which people have NVIDIA's libraries, the most deliberate choice first: this
 * program's own variable, the loader's, CUDA's; toolkits and distributions; Python packages; what
 * vendors mount.
 *
 * <p>The {@code python3} of the PATH is found and not run: a program that the user did not ask for
 * is not started, and its folders say enough.
 */
final class CudaSearchPath {
  /** The variable of this program: folders that hold libraries, separated by colons. */
  static final String OWN_VARIABLE = "DISTILL_CUDA_LIBS";

  private static final List<String> TOOLKIT_FOLDERS =
      List.of("lib64", "lib", "targets/x86_64-linux/lib");

  private static final List<String> DRIVER_FOLDERS =
      List.of(
          "usr/lib/x86_64-linux-gnu",
          "usr/lib64",
          "usr/lib",
          "usr/lib/wsl/lib",
          "usr/local/nvidia/lib64",
          "run/opengl-driver/lib");

  private final Map<String, String> environment;
  private final Path root;
  private final Set<Path> folders = new LinkedHashSet<>();
  private boolean lookedAround;

  /**
   * Prepares to look around.
   *
   * @param environment the variables
   * @param root the folder that stands for {@code /}
   */
  CudaSearchPath(Map<String, String> environment, Path root) {
    this.environment = environment;
    this.root = root;
  }

  private void lookAround() {
    folders.addAll(pathVariable("LD_LIBRARY_PATH"));
    for (String variable : List.of("CUDA_PATH", "CUDA_HOME", "CUDA_ROOT", "CUDNN_PATH")) {
      variable(variable).ifPresent(this::addToolkit);
    }
    installedToolkits().forEach(this::addToolkit);
    add("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib", "opt/cuda/lib64");
    pythonPrefixes().forEach(this::addPythonPackages);
    variable("CONDA_PREFIX").ifPresent(conda -> folders.add(conda.resolve("lib")));
    add("usr/lib/wsl/lib", "usr/local/nvidia/lib64", "run/opengl-driver/lib");
    folders.removeIf(folder -> !Files.isDirectory(folder));
    folders.removeAll(named());
  }

  /** Returns the folders of this program's own variable, whether they are there or not. */
  List<Path> named() {
    return pathVariable(OWN_VARIABLE);
  }

  /** Returns the other folders, those that are there. */
  List<Path> usual() {
    if (!lookedAround) {
      lookedAround = true;
      lookAround();
    }
    return List.copyOf(folders);
  }

  /**
   * Returns the folders where a driver lies that the loader does not know of, those that are there:
   * toolkits and Python packages have none. On a machine without a GPU every start comes here.
   */
  List<Path> ofDriver() {
    List<Path> system = new ArrayList<>();
    for (String name : DRIVER_FOLDERS) {
      Path folder = root.resolve(name);
      if (Files.isDirectory(folder)) {
        system.add(folder);
      }
    }
    return system;
  }

  private void add(String... belowRoot) {
    Arrays.stream(belowRoot).map(root::resolve).forEach(folders::add);
  }

  private void addToolkit(Path home) {
    TOOLKIT_FOLDERS.forEach(folder -> folders.add(home.resolve(folder)));
  }

  /** {@code cuda} is what the administrator chose; then the versions, newest first. */
  private List<Path> installedToolkits() {
    Comparator<Path> newestFirst =
        Comparator.comparingDouble(CudaSearchPath::toolkitVersion).reversed();
    return list(root.resolve("usr/local"), "cuda").sorted(newestFirst).toList();
  }

  private static double toolkitVersion(Path toolkit) {
    String name = toolkit.getFileName().toString();
    if (name.equals("cuda")) {
      return Double.MAX_VALUE;
    }
    return name.matches("cuda-\\d+(\\.\\d+)?") ? Double.parseDouble(name.substring(5)) : 0;
  }

  /** Folders that have {@code lib/python3.x} below them. */
  private Set<Path> pythonPrefixes() {
    Set<Path> prefixes = new LinkedHashSet<>();
    variable("VIRTUAL_ENV").ifPresent(prefixes::add);
    variable("CONDA_PREFIX").ifPresent(prefixes::add);
    pathVariable("PATH").stream()
        .map(folder -> folder.resolve("python3"))
        .filter(Files::isExecutable)
        .findFirst()
        .ifPresent(python -> prefixes.addAll(prefixesOf(python)));
    variable("HOME").ifPresent(home -> prefixes.add(home.resolve(".local")));
    prefixes.add(root.resolve("usr/local"));
    prefixes.add(root.resolve("usr"));
    return prefixes;
  }

  private List<Path> prefixesOf(Path python) {
    List<Path> prefixes = new ArrayList<>();
    Path folder = python.toAbsolutePath().getParent();
    if (folder.endsWith("shims")) {
      prefixes.addAll(pyenvVersions(folder.getParent()));
    }
    // A virtual environment's python3 is a link into another installation; the packages of the
    // environment count first.
    prefixes.add(folder.getParent());
    try {
      prefixes.add(python.toRealPath().getParent().getParent());
    } catch (IOException brokenLink) {
      return prefixes;
    }
    return prefixes;
  }

  /** In pyenv, {@code python3} is a script that chooses among the versions below its root. */
  private List<Path> pyenvVersions(Path pyenv) {
    String chosen = environment.get("PYENV_VERSION");
    if (chosen == null) {
      try {
        chosen = Files.readString(pyenv.resolve("version"));
      } catch (IOException noneChosen) {
        return list(pyenv.resolve("versions"), "3").toList();
      }
    }
    return chosen
        .lines()
        .flatMap(line -> Arrays.stream(line.split(":")))
        .map(version -> pyenv.resolve("versions").resolve(version.strip()))
        .toList();
  }

  private void addPythonPackages(Path prefix) {
    Stream.of("lib", "lib64")
        .flatMap(lib -> list(prefix.resolve(lib), "python3"))
        .flatMap(python -> Stream.of("site-packages", "dist-packages").map(python::resolve))
        .flatMap(site -> list(site.resolve("nvidia"), ""))
        .map(wheel -> wheel.resolve("lib"))
        .forEach(folders::add);
  }

  /**
   * Returns the file that NVIDIA's run-time compiler opens by name when it first compiles: of its
   * own CUDA.
   */
  static Optional<Path> builtinsBeside(Path compiler) {
    String cuda = compiler.getFileName().toString().replaceFirst("libnvrtc\\.so\\.(\\d+).*", "$1");
    return list(compiler.getParent(), "libnvrtc-builtins.so." + cuda + ".").findFirst();
  }

  private Optional<Path> variable(String name) {
    return folder(environment.getOrDefault(name, ""));
  }

  private List<Path> pathVariable(String name) {
    return Arrays.stream(environment.getOrDefault(name, "").split(":"))
        .flatMap(entry -> folder(entry).stream())
        .toList();
  }

  /** A folder that this locale cannot express is passed over, like one that is not there. */
  private static Optional<Path> folder(String name) {
    try {
      return name.isBlank() ? Optional.empty() : Optional.of(Path.of(name));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** Returns what lies in a folder and begins so, sorted by name; nothing if it cannot be read. */
  private static Stream<Path> list(Path folder, String prefix) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> entry.getFileName().toString().startsWith(prefix))
          .sorted()
          .toList()
          .stream();
    } catch (IOException absent) {
      return Stream.empty();
    }
  }
}
