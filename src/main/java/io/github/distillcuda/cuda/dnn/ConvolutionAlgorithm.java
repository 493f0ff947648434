package io.github.distillcuda.cuda.dnn;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An algorithm of cuDNN for one direction of a convolution.
 *
 * @param number its number, which is of its own enumeration for each direction
 * @param mathType the kind of arithmetic, of {@code cudnnMathType_t}
 * @param measured whether a measurement found it fastest; else it was chosen by rule
 */
public record ConvolutionAlgorithm(int number, int mathType, boolean measured) {
  private static final Pattern TEXT =
      Pattern.compile("cuDNN algorithm (\\d{1,4}), math type (\\d{1,4}), (measured|by rule)");

  /** Returns the algorithm whose text this is; nothing if it is no such text. */
  public static Optional<ConvolutionAlgorithm> parse(String text) {
    Matcher parts = TEXT.matcher(text);
    return parts.matches()
        ? Optional.of(
            new ConvolutionAlgorithm(
                Integer.parseInt(parts.group(1)),
                Integer.parseInt(parts.group(2)),
                parts.group(3).equals("measured")))
        : Optional.empty();
  }

  /** Returns it as people and checkpoints read it. */
  @Override
  public String toString() {
    return "cuDNN algorithm %d, math type %d, %s"
        .formatted(number, mathType, measured ? "measured" : "by rule");
  }
}
