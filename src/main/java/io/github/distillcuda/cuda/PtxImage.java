package io.github.distillcuda.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kernels as PTX, which the driver compiles for the GPU at hand.
 *
 * @param name where it is from, for failures
 * @param target the least compute capability it runs on, 10*major + minor
 * @param text the PTX
 */
public record PtxImage(String name, int target, String text) {
  private static final Pattern ENTRY = Pattern.compile("^\\.visible \\.entry (\\w+)\\(");
  private static final Pattern TARGET = Pattern.compile("(?m)^\\.target\\s+sm_(\\d+)\\b");

  /**
   * Reads the target from the text.
   *
   * @throws IllegalArgumentException if it names none
   */
  public static PtxImage of(String name, String text) {
    Matcher target = TARGET.matcher(text);
    if (!target.find()) {
      throw new IllegalArgumentException(name + " has no .target");
    }
    return new PtxImage(name, Integer.parseInt(target.group(1)), text);
  }

  /** Reads a resource of the program, if there is one of this name. */
  static Optional<PtxImage> ofResource(String resource) {
    try (InputStream stream = PtxImage.class.getResourceAsStream(resource)) {
      return stream == null
          ? Optional.empty()
          : Optional.of(of(resource, new String(stream.readAllBytes(), StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource, e);
    }
  }

  /** Returns whether a kernel of this name is defined here. */
  public boolean defines(String symbol) {
    return text.contains(".entry " + symbol + "(");
  }

  /**
   * Returns the same image with some of its kernels alone, and with all that is declared outside of
   * kernels: the driver compiles every kernel that it is given, which takes seconds for a large
   * file.
   */
  public PtxImage only(Set<String> symbols) {
    StringBuilder kept = new StringBuilder();
    boolean keeping = true;
    for (String line : text.split("(?<=\\n)")) {
      Matcher entry = ENTRY.matcher(line);
      if (entry.find()) {
        keeping = symbols.contains(entry.group(1));
      }
      if (keeping) {
        kept.append(line);
      }
      // A kernel ends at the first brace in the first column, what is in it is indented or a label.
      if (line.startsWith("}")) {
        keeping = true;
      }
    }
    return new PtxImage(name, target, kept.toString());
  }
}
