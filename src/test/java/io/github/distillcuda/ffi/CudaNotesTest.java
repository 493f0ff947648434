package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tables of functions in {@code native-notes} against those that are linked. */
class CudaNotesTest {
  private static final Pattern NAME = Pattern.compile("`(\\w+)`");

  @Test
  void cudaDriver() throws IOException {
    requireSame("cuda-driver.md", CudaFunctionTables.DRIVER.stream());
  }

  @Test
  void cudnn() throws IOException {
    requireSame("cudnn.md", CudaFunctionTables.CUDNN.stream());
  }

  @Test
  void cublas() throws IOException {
    requireSame(
        "cublas.md",
        Stream.concat(CudaFunctionTables.CUBLAS.stream(), CudaFunctionTables.CUBLASLT.stream()));
  }

  private static void requireSame(String page, Stream<CudaPrototype> table) throws IOException {
    assertThat(functionsOf(Path.of("native-notes", page)))
        .containsExactlyInAnyOrderElementsOf(table.map(CudaPrototype::symbol).toList());
  }

  /** The names in the first column of the section "Functions". */
  private static List<String> functionsOf(Path page) throws IOException {
    String section = Files.readString(page).split("## Functions\n")[1].split("\n## ")[0];
    List<String> names = new ArrayList<>();
    for (String row : section.lines().filter(line -> line.startsWith("| `")).toList()) {
      Matcher name = NAME.matcher(row.split("\\|")[1]);
      while (name.find()) {
        names.add(name.group(1));
      }
    }
    return names;
  }
}
