package io.github.distillcuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the jars hold that users run; {@code mvn verify} runs this after it has built them. */
class JarsIT {
  private static final Path TARGET = Path.of("target");
  private static final int JAVA_8 = 52;
  private static final int JAVA_25 = 69;
  private static final List<String> JCUDA =
      List.of(
          "lib/libJCudaDriver-12.6.0-linux-x86_64.so",
          "lib/libJCudnn-12.6.0-linux-x86_64.so",
          "lib/libJCublas2-12.6.0-linux-x86_64.so");

  @ParameterizedTest
  @ValueSource(strings = {"distill-cuda.jar", "distill-cuda-slim.jar"})
  void theManifestStartsTheLauncherAndAllowsNativeAccess(String name) throws IOException {
    try (JarFile jar = open(name)) {
      Attributes manifest = jar.getManifest().getMainAttributes();
      assertThat(manifest.getValue("Main-Class")).isEqualTo("io.github.distillcuda.launch.Main");
      assertThat(manifest.getValue("Enable-Native-Access")).isEqualTo("ALL-UNNAMED");
      assertThat(manifest.getValue("Implementation-Title")).isEqualTo("distill-cuda");
      assertThat(manifest.getValue("Implementation-Version")).matches("\\d+\\.\\d+\\.\\d+.*");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"distill-cuda.jar", "distill-cuda-slim.jar"})
  void onlyTheLauncherIsForOldJava(String name) throws IOException {
    try (JarFile jar = open(name)) {
      for (JarEntry entry : jar.stream().filter(JarsIT::isOurClass).toList()) {
        boolean launcher = entry.getName().contains("/launch/");
        assertThat(classFileVersion(jar, entry))
            .as(entry.getName())
            .isEqualTo(launcher ? JAVA_8 : JAVA_25);
      }
      assertThat(jar.stream().filter(JarsIT::isOurClass)).hasSizeGreaterThan(20);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"distill-cuda.jar", "distill-cuda-slim.jar"})
  void theLicencesTravelAlong(String name) throws IOException {
    try (JarFile jar = open(name)) {
      assertThat(names(jar))
          .contains(
              "META-INF/LICENSE",
              "META-INF/THIRD-PARTY-NOTICES",
              "META-INF/licenses/GPL-3.0.txt",
              "META-INF/licenses/GCC-RUNTIME-LIBRARY-EXCEPTION-3.1.txt");
    }
  }

  @Test
  void theFatJarHoldsTheNativeLibrariesThatAreUsedAndNoOthers() throws IOException {
    try (JarFile jar = open("distill-cuda.jar")) {
      assertThat(names(jar).filter(JarsIT::isNative))
          .contains(
              "org/bytedeco/dnnl/linux-x86_64/libdnnl.so.3",
              "org/bytedeco/dnnl/linux-x86_64/libgomp.so.1")
          .containsAll(JCUDA)
          .hasSize(2 + JCUDA.size());
    }
  }

  @Test
  void theSlimJarHoldsThoseForTheGpu() throws IOException {
    try (JarFile jar = open("distill-cuda-slim.jar")) {
      assertThat(names(jar).filter(JarsIT::isNative)).containsExactlyInAnyOrderElementsOf(JCUDA);
    }
  }

  @Test
  void theProgramKnowsItsVersionAndCommit() throws IOException {
    try (JarFile jar = open("distill-cuda.jar")) {
      JarEntry entry = jar.getJarEntry("io/github/distillcuda/build.properties");
      String text = new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8);
      assertThat(text.lines())
          .satisfiesExactly(
              version -> assertThat(version).matches("version=\\d+\\.\\d+\\.\\d+.*"),
              commit -> assertThat(commit).matches("commit=([0-9a-f]{12}(-dirty)?|unknown)"));
    }
  }

  @Test
  void theNoticesNameEveryDependencyWithItsVersion() throws IOException {
    // Lines as "   info.picocli:picocli:jar:4.7.7:compile -- module info.picocli".
    List<String[]> dependencies =
        Files.readAllLines(TARGET.resolve("runtime-dependencies.txt")).stream()
            .map(line -> line.trim().split(" ")[0].split(":"))
            .filter(coordinates -> coordinates.length >= 5)
            .toList();
    List<String> notices = Files.readAllLines(Path.of("THIRD-PARTY-NOTICES"));
    String text = String.join(" ", notices);

    assertThat(dependencies).hasSizeGreaterThanOrEqualTo(4);
    for (String[] coordinates : dependencies) {
      String artifact = coordinates[1];
      String version = coordinates[coordinates.length - 2];
      assertThat(text).containsPattern("\\b" + artifact + "\\b");
      assertThat(text).as("the version of " + artifact).contains(" " + version);
    }
  }

  private static JarFile open(String name) throws IOException {
    return new JarFile(TARGET.resolve(name).toFile());
  }

  private static Stream<String> names(JarFile jar) {
    return jar.stream().map(JarEntry::getName).filter(name -> !name.endsWith("/"));
  }

  private static boolean isNative(String name) {
    return name.startsWith("org/bytedeco/") || name.contains(".so");
  }

  private static boolean isOurClass(JarEntry entry) {
    return entry.getName().matches("io/github/distillcuda/.*\\.class");
  }

  private static int classFileVersion(JarFile jar, JarEntry entry) throws IOException {
    try (DataInputStream in = new DataInputStream(jar.getInputStream(entry))) {
      in.readInt(); // the magic number
      in.readUnsignedShort(); // the minor version
      return in.readUnsignedShort();
    }
  }
}
