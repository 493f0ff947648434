package io.github.distillcuda.launch;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/** The folder of an installed Java and its feature version, such as 8, 17 or 25. */
final class JavaHome {
  final File folder;
  final int feature;

  private JavaHome(File folder, int feature) {
    this.folder = folder;
    this.feature = feature;
  }

  /**
   * Returns the Java in this folder, or null where there is none. Its version comes from its {@code
   * release} file: starting every candidate to ask it would take seconds, and run whatever lies
   * there.
   */
  static JavaHome at(File folder) {
    JavaHome home = new JavaHome(folder, readFeature(new File(folder, "release")));
    return home.feature > 0 && home.executable().canExecute() ? home : null;
  }

  /** Returns the {@code java} command of this Java. */
  File executable() {
    File plain = new File(folder, "bin/java");
    return plain.exists() ? plain : new File(folder, "bin/java.exe");
  }

  @Override
  public String toString() {
    return "Java " + feature + " in " + folder;
  }

  /** Returns 8 for {@code 1.8.0_402}, 25 for {@code 25.0.3} and {@code 25-ea}, 0 for no version. */
  static int featureOf(String version) {
    String digits = version.replaceFirst("^1\\.", "").replaceFirst("\\D.*", "");
    return digits.isEmpty() ? 0 : Integer.parseInt(digits);
  }

  private static int readFeature(File release) {
    Properties properties = new Properties();
    try (Reader reader =
        new InputStreamReader(new FileInputStream(release), StandardCharsets.UTF_8)) {
      properties.load(reader);
      return featureOf(properties.getProperty("JAVA_VERSION", "").replace("\"", ""));
    } catch (IOException | IllegalArgumentException e) {
      return 0; // absent or not a release file: not a Java home, and nothing to report
    }
  }
}
