package io.github.distillcuda.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The committed PTX is what its committed sources give. */
class PtxStampTest {
  @Test
  void stampsAreTheHashesOfTheSources() throws Exception {
    assertThat(PtxEntries.files()).isNotEmpty();
    for (Path ptx : PtxEntries.files()) {
      String source = ptx.getFileName().toString().replace(".ptx", ".cu");
      assertThat(PtxEntries.read(ptx).lines().findFirst())
          .as("%s; after a change of its sources run kernels/build.sh", ptx)
          .hasValue("// source-sha256 " + hash(PtxEntries.KERNELS.resolve(source)));
    }
  }

  /** As build.sh: the source, then every header by name. */
  private static String hash(Path source) throws Exception {
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    sha256.update(Files.readAllBytes(source));
    try (Stream<Path> files = Files.list(PtxEntries.KERNELS)) {
      for (Path header : files.filter(f -> f.toString().endsWith(".cuh")).sorted().toList()) {
        sha256.update(Files.readAllBytes(header));
      }
    }
    return HexFormat.of().formatHex(sha256.digest());
  }

  @Test
  void ptxOfATargetDeclaresTheLowestVersionThatHasItsFeatures() {
    for (Path ptx : PtxEntries.files()) {
      String version =
          switch (ptx.getParent().getFileName().toString()) {
            case "compute_75" -> ".version 7.0";
            case "compute_80" -> ".version 7.4";
            default -> ".version 8.0";
          };
      assertThat(PtxEntries.read(ptx)).as("%s", ptx).contains("\n" + version + "\n");
    }
  }

  @Test
  void noPathOfTheMachineThatBuiltItIsLeft() {
    for (Path ptx : PtxEntries.files()) {
      assertThat(PtxEntries.read(ptx).lines().filter(line -> line.contains(".file")))
          .as("%s", ptx)
          .isNotEmpty()
          .allMatch(line -> line.matches("\t\\.file\t\\d+ \"(kernels|cuda)/.*\""));
    }
  }

  /**
   * A new instruction is new work for the interpreter, and may be inexact: it shows in the diff.
   */
  @Test
  void instructionsInUseAreThoseOfTheNotes() {
    String notes = PtxEntries.read(Path.of("native-notes", "ptx.md"));
    int forms = 0;
    for (var opcode : PtxEntries.instructions().entrySet()) {
      forms += opcode.getValue().size();
      assertThat(notes)
          .contains(
              "\n| %s | %s |\n".formatted(opcode.getKey(), String.join(", ", opcode.getValue())));
    }
    assertThat(notes)
        .contains("%d forms of %d opcodes.".formatted(forms, PtxEntries.instructions().size()));
  }

  @Test
  void everyKernelIsAmongTheResources() throws Exception {
    for (KernelSignature kernel : KernelCatalog.all()) {
      try (InputStream ptx = KernelSignature.class.getResourceAsStream(kernel.resource())) {
        assertThat(ptx).as(kernel.resource()).isNotNull();
        assertThat(new String(ptx.readAllBytes(), StandardCharsets.UTF_8))
            .contains(".visible .entry " + kernel.symbol() + "(");
      }
    }
  }

  /** Rebuilds, compares, and assembles for every architecture: about half a minute. */
  @Test
  void compilerGivesTheSamePtxAndNothingSpills(@TempDir Path folder) throws Exception {
    assumeTrue(onPath("nvcc") && onPath("ptxas"), "no nvcc here: PTX is not rebuilt and compared");
    File output = folder.resolve("output").toFile();
    Process check =
        new ProcessBuilder(List.of("bash", "kernels/build.sh", "--check"))
            .redirectErrorStream(true)
            .redirectOutput(output)
            .start();
    boolean ended = check.waitFor(5, TimeUnit.MINUTES);
    check.destroyForcibly();
    assertThat(ended).as("build.sh --check within 5 minutes").isTrue();
    assertThat(check.exitValue()).as(PtxEntries.read(output.toPath())).isZero();
  }

  private static boolean onPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }
}
