package io.github.distillcuda.launch;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Finds an installed Java that is new enough, where people and package managers put them. */
final class JdkFinder {
  /** Replaces the usual folders by a list of others; for tests. */
  static final String FOLDERS_PROPERTY = "distillcuda.jdkFolders";

  private static final String DEMANDED = "DISTILL_JAVA_HOME";

  private final Map<String, String> environment;
  private final List<File> folders;

  /** A finder in these environment variables and in the subfolders of {@code folders}. */
  JdkFinder(Map<String, String> environment, List<File> folders) {
    this.environment = new TreeMap<>(environment);
    this.folders = folders;
  }

  static JdkFinder ofThisMachine() {
    String others = System.getProperty(FOLDERS_PROPERTY);
    List<File> folders = new ArrayList<>();
    if (others == null) {
      folders.addAll(usualFolders());
    } else {
      for (String folder : others.split(File.pathSeparator)) {
        folders.add(new File(folder));
      }
    }
    return new JdkFinder(System.getenv(), folders);
  }

  /**
   * Returns the Java of {@code DISTILL_JAVA_HOME} if that is set, else the oldest that is new
   * enough: the nearest to what the program was tested with.
   */
  JavaHome find(int requiredFeature) throws NoJdkException {
    String demanded = environment.getOrDefault(DEMANDED, "");
    if (!demanded.isEmpty()) {
      return demanded(new File(demanded), requiredFeature);
    }
    Collection<JavaHome> installed = installed();
    JavaHome oldest = null;
    for (JavaHome java : installed) {
      if (java.feature >= requiredFeature && (oldest == null || java.feature < oldest.feature)) {
        oldest = java;
      }
    }
    if (oldest == null) {
      throw new NoJdkException(noneFound(installed, requiredFeature));
    }
    return oldest;
  }

  private static JavaHome demanded(File folder, int requiredFeature) throws NoJdkException {
    JavaHome java = JavaHome.at(folder);
    if (java == null || java.feature < requiredFeature) {
      throw new NoJdkException(
          String.format(
              "%s=%s holds %s. Set it to the folder of a newer one,"
                  + " or unset it, so that the usual places are searched.",
              DEMANDED, folder, java == null ? "no Java" : "Java " + java.feature));
    }
    return java;
  }

  private static String noneFound(Collection<JavaHome> installed, int requiredFeature) {
    StringBuilder message = new StringBuilder("None was found that is new enough");
    message.append(installed.isEmpty() ? "." : ", only:");
    for (JavaHome java : installed) {
      message.append(String.format("%n  %s", java));
    }
    return message
        .append(
            String.format(
                "%nInstall one (Debian, Ubuntu: apt install openjdk-%d-jdk-headless;"
                    + " others: https://adoptium.net), or set %s to its folder.",
                requiredFeature, DEMANDED))
        .toString();
  }

  /** Every Java found, once each however many links lead to it, in the order of the search. */
  Collection<JavaHome> installed() {
    Map<File, JavaHome> found = new LinkedHashMap<>();
    for (File candidate : candidates()) {
      JavaHome java = JavaHome.at(candidate);
      if (java != null) {
        found.putIfAbsent(canonical(candidate), java);
      }
    }
    return found.values();
  }

  private List<File> candidates() {
    List<File> candidates = new ArrayList<>();
    for (Map.Entry<String, String> variable : environment.entrySet()) {
      // JAVA_HOME, JDK_HOME, JAVA25_HOME, JAVA_25_HOME, and JAVA_HOME_25_X64 of hosted CI.
      if (variable.getKey().matches("(JAVA|JDK)_?\\d*_?HOME(_\\d+.*)?")) {
        candidates.add(new File(variable.getValue()));
      }
    }
    for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
      File command = new File(folder, "java");
      if (command.canExecute()) {
        candidates.add(canonical(command).getParentFile().getParentFile());
      }
    }
    for (File folder : folders) {
      File[] homes = folder.listFiles();
      if (homes != null) {
        Arrays.sort(homes);
        for (File home : homes) {
          candidates.add(home);
          candidates.add(new File(home, "Contents/Home")); // macOS bundles
        }
      }
    }
    return candidates;
  }

  private static List<File> usualFolders() {
    File user = new File(System.getProperty("user.home"));
    return Arrays.asList(
        new File(System.getProperty("java.home")).getAbsoluteFile().getParentFile(),
        new File("/usr/lib/jvm"),
        new File("/usr/java"),
        new File("/opt"),
        new File("/opt/java"),
        new File("/usr/local"),
        new File("/Library/Java/JavaVirtualMachines"),
        new File(user, ".sdkman/candidates/java"),
        new File(user, ".jdks"),
        new File(user, ".gradle/jdks"),
        new File(user, ".jenv/versions"),
        new File(user, ".asdf/installs/java"),
        new File(user, ".local/share/mise/installs/java"));
  }

  private static File canonical(File file) {
    try {
      return file.getCanonicalFile();
    } catch (IOException e) {
      return file.getAbsoluteFile();
    }
  }
}
