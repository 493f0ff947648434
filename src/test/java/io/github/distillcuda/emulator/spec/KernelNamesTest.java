package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kernels are found by the name of their source in wrapper, cases and bench: those of {@code
 * kernels/filter_gradient.cu} in {@code FilterGradientKernels}, {@code FilterGradientCases} and
 * {@code KernelMatrix.addFilterGradient}.
 */
class KernelNamesTest {
  private static final String ROOT = "io.github.distillcuda.";

  static List<String> sources() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("kernels"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(".cu"))
          .map(file -> file.replace(".cu", ""))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("sources")
  void wrapperHasTheKernelsOfItsSource(String source) throws Exception {
    Field all = find("cuda.kernels", source, "Kernels").getDeclaredField("ALL");
    all.setAccessible(true);
    List<?> signatures = (List<?>) all.get(null);
    assertThat(signatures.stream().map(KernelSignature.class::cast).map(KernelSignature::symbol))
        .containsExactlyInAnyOrderElementsOf(shipped(source));
  }

  /** Of the cases that are counted, which are of every kernel too and sooner made. */
  @ParameterizedTest
  @MethodSource("sources")
  void casesAreThoseOfTheKernelsOfTheirSource(String source) throws Exception {
    Method counted = find("emulator.spec", source, "Cases").getDeclaredMethod("counted");
    Stream<?> cases = (Stream<?>) counted.invoke(null);
    assertThat(
            cases
                .map(KernelCase.class::cast)
                .map(one -> one.kernel().symbol())
                .collect(Collectors.toSet()))
        .isEqualTo(shipped(source));
  }

  @ParameterizedTest
  @MethodSource("sources")
  void benchTimesThemUnderThisName(String source) throws Exception {
    assertThat(Arrays.stream(Class.forName(ROOT + "bench.KernelMatrix").getDeclaredMethods()))
        .extracting(Method::getName)
        .contains("add" + camelCase(source));
  }

  private static Set<String> shipped(String source) {
    Set<String> symbols =
        KernelCatalog.all().stream()
            .filter(kernel -> kernel.ptx().endsWith("/" + source + ".ptx"))
            .map(KernelSignature::symbol)
            .collect(Collectors.toSet());
    assertThat(symbols).isNotEmpty();
    return symbols;
  }

  private static Class<?> find(String inPackage, String source, String suffix)
      throws ClassNotFoundException {
    return Class.forName(ROOT + inPackage + "." + camelCase(source) + suffix);
  }

  private static String camelCase(String source) {
    return Arrays.stream(source.split("_"))
        .map(word -> Character.toUpperCase(word.charAt(0)) + word.substring(1))
        .collect(Collectors.joining());
  }
}
