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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The committed PTX is what its committed sources give. */
class PtxStampTest {
  /** As {@code sha256sum} prints it. */
  private static final Pattern STAMP =
      Pattern.compile("^// sha256 (\\p{XDigit}{64})  (\\S+)$", Pattern.MULTILINE);

  /**
   * The compiler told which files it read. Another file joins or leaves them only by a change of
   * one, so that nothing needs to be searched for includes here.
   */
  @Test
  void everyFileThatThePtxWasMadeOfIsUnchanged() throws Exception {
    for (Path ptx : PtxEntries.files()) {
      Map<String, String> stamp = stamp(ptx);
      Map<String, String> present = new LinkedHashMap<>();
      for (String file : stamp.keySet()) {
        present.put(file, hash(PtxEntries.KERNELS.resolve(file)));
      }
      assertThat(stamp.keySet()).as("%s", ptx).contains(source(ptx));
      assertThat(present)
          .as("%s; after a change of a source run kernels/build.sh", ptx)
          .isEqualTo(stamp);
    }
  }

  /** Nor is anything there that is compiled into none. */
  @Test
  void everySourceIsInSomePtx() throws Exception {
    Set<String> compiled = new TreeSet<>();
    for (Path ptx : PtxEntries.files()) {
      compiled.addAll(stamp(ptx).keySet());
    }
    try (Stream<Path> files = Files.list(PtxEntries.KERNELS)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .filteredOn(name -> name.matches(".*\\.cuh?"))
          .containsExactlyInAnyOrderElementsOf(compiled);
    }
  }

  private static String source(Path ptx) {
    return ptx.getFileName().toString().replace(".ptx", ".cu");
  }

  /** Returns the hashes by name of the files that the compiler read of {@code kernels/}. */
  private static Map<String, String> stamp(Path ptx) {
    Map<String, String> hashes = new LinkedHashMap<>();
    Matcher line = STAMP.matcher(PtxEntries.read(ptx));
    while (line.find()) {
      hashes.put(line.group(2), line.group(1));
    }
    return hashes;
  }

  private static String hash(Path file) throws Exception {
    return Files.exists(file)
        ? HexFormat.of()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)))
        : "no such file";
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
