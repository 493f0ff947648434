package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import org.junit.jupiter.api.Test;

class PixelNormalisationTest {
  @Test
  void roundsAfterEachOperationAsFloatArithmeticDoes() {
    byte[] pixels = new byte[256];
    for (int i = 0; i < 256; i++) {
      pixels[i] = (byte) i;
    }
    float[] out = new float[256];
    PixelNormalisation.normalise(pixels, out);
    for (int i = 0; i < 256; i++) {
      float quotient = rounded(new BigDecimal(i).divide(new BigDecimal(255), new MathContext(60)));
      float centred = rounded(new BigDecimal(quotient).subtract(new BigDecimal("0.5")));
      assertThat(out[i]).isEqualTo(rounded(new BigDecimal(centred).multiply(BigDecimal.TWO)));
    }
    assertThat(out[0]).isEqualTo(-1);
    assertThat(out[255]).isEqualTo(1);
  }

  private static float rounded(BigDecimal exact) {
    return exact.floatValue();
  }
}
