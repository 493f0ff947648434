package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.emulator.PtxModule;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A kernel taken from its file is whole, and alone. */
class PtxImageTest {
  static Iterable<KernelSignature> kernels() {
    return KernelCatalog.all();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void oneKernelOfAFileIsTheSameKernelWithoutTheOthers(KernelSignature kernel) {
    PtxImage all = PtxImage.ofResource(kernel.resource()).orElseThrow();
    PtxImage one = all.only(Set.of(kernel.symbol()));
    assertThat(one.target()).isEqualTo(all.target());
    assertThat(one.text().split("\\.visible \\.entry ")).hasSize(2);
    assertThat(one.defines(kernel.symbol())).isTrue();
    assertThat(body(one, kernel)).isEqualTo(body(all, kernel));
    // What is declared beside the kernels is there, or it would not parse.
    assertThat(one.text()).contains(".version", ".address_size 64", ".file");
    assertThat(PtxModule.parse(one.text()).kernelNames()).containsExactly(kernel.symbol());
  }

  private static String body(PtxImage image, KernelSignature kernel) {
    int start = image.text().indexOf(".visible .entry " + kernel.symbol() + "(");
    return image.text().substring(start, image.text().indexOf("\n}", start));
  }
}
