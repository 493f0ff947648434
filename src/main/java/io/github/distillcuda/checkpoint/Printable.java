package io.github.distillcuda.checkpoint;

import java.nio.file.Path;
import java.util.HexFormat;

/**
 * Text from files and file systems, made safe for a one-line message: a hostile name must neither
 * break the line nor steer the terminal.
 */
final class Printable {
  private static final int LONGEST_NAME = 80;

  private Printable() {}

  /** Returns a name found in a file, escaped and cut to 80 characters. */
  static String name(String name) {
    String shown = name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "...";
    return shown.isEmpty() ? "''" : line(shown);
  }

  /** Returns a path, escaped. */
  static String path(Path path) {
    return line(path.toString());
  }

  /** Returns text with every character that is not plainly visible written as a code point. */
  static String line(String text) {
    StringBuilder line = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            point -> {
              if (visible(point)) {
                line.appendCodePoint(point);
              } else {
                line.append("\\u{").append(HexFormat.of().toHexDigits(point, 6)).append('}');
              }
            });
    return line.toString();
  }

  private static boolean visible(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
