package io.github.distillcuda.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JdkFinderTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"1.8.0_402, 8", "17.0.15, 17", "25, 25", "25-ea, 25", "'', 0", "ea, 0"})
  void featureVersionIsTheFirstNumberThatMatters(String version, int feature) {
    assertThat(JavaHome.featureOf(version)).isEqualTo(feature);
  }

  @Test
  void takesTheOldestThatIsNewEnough() throws Exception {
    install("a-27", "27.0.1");
    install("b-17", "17.0.15");
    Path wanted = install("c-25", "25.0.3");
    install("d-26", "26-ea");

    assertThat(finder(Map.of()).find(25).folder).isEqualTo(wanted.toFile());
  }

  @Test
  void whatIsDemandedWinsOverAnOlderOne() throws Exception {
    install("jdk-25", "25");
    Path demanded = install("jdk-26", "26");

    assertThat(finder(Map.of("DISTILL_JAVA_HOME", "" + demanded)).find(25).folder)
        .isEqualTo(demanded.toFile());
  }

  @Test
  void whatIsDemandedIsNotReplaced() throws Exception {
    install("jdk-25", "25");
    Path demanded = install("jdk-17", "17.0.15");
    JdkFinder finder = finder(Map.of("DISTILL_JAVA_HOME", "" + demanded));

    assertThatThrownBy(() -> finder.find(25))
        .isInstanceOf(NoJdkException.class)
        .hasMessageContaining("DISTILL_JAVA_HOME=" + demanded + " holds Java 17.");
  }

  @ParameterizedTest
  @CsvSource({"JAVA_HOME", "JDK_HOME", "JAVA25_HOME", "JAVA_HOME_25_X64"})
  void looksIntoTheUsualVariables(String variable) throws Exception {
    Path home = install("elsewhere/jdk", "25.0.3");

    assertThat(finder(Map.of(variable, "" + home)).find(25).folder).isEqualTo(home.toFile());
  }

  @Test
  void followsTheLinksOfThePath() throws Exception {
    Path home = install("elsewhere/jdk", "25.0.3");
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Files.createSymbolicLink(bin.resolve("java"), home.resolve("bin/java"));

    assertThat(finder(Map.of("PATH", "/no/such/folder:" + bin)).find(25).folder)
        .isEqualTo(home.toRealPath().toFile());
  }

  @Test
  void listsEachJavaOnceAndNothingElse() throws Exception {
    Path real = install("java-17-openjdk", "17.0.15");
    Files.createSymbolicLink(folder.resolve("z-link"), real);
    Files.createDirectories(folder.resolve("no-release/bin"));
    Files.writeString(install("no-version", "17").resolve("release"), "OS_NAME=\"Linux\"\n");
    Files.writeString(install("garbage", "17").resolve("release"), "JAVA_VERSION=\\uXYZ\n");
    Files.delete(install("no-command", "17").resolve("bin/java"));

    assertThat(finder(Map.of()).installed())
        .extracting(JavaHome::toString)
        .containsExactly("Java 17 in " + real);
  }

  @Test
  void candidatesAreNeverRun() throws Exception {
    Path home = install("jdk-25", "25");
    Path trace = folder.resolve("trace");
    Files.writeString(home.resolve("bin/java"), "#!/bin/sh\ntouch " + trace + "\n");

    finder(Map.of("JAVA_HOME", "" + home)).find(25);

    assertThat(trace).doesNotExist();
  }

  @Test
  void exitCodeIsTheDocumentedOne() {
    assertThat(Main.EXIT_NO_JDK).isEqualTo(ExitCode.NO_JDK.value());
  }

  private JdkFinder finder(Map<String, String> environment) {
    return new JdkFinder(environment, List.of(folder.toFile(), folder.resolve("none").toFile()));
  }

  private Path install(String name, String version) throws IOException {
    Path home = folder.resolve(name);
    Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Files.writeString(
        home.resolve("release"),
        "IMPLEMENTOR=\"Someone\"\nJAVA_VERSION=\"" + version + "\"\nOS_ARCH=\"x86_64\"\n");
    return home;
  }
}
