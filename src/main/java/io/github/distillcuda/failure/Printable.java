package io.github.distillcuda.failure;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * Text from files, servers and the system, made safe for a one-line message: a hostile name must
 * neither break the line nor steer the terminal.
 */
public final class Printable {
  private static final int LONGEST_NAME = 80;

  private Printable() {}

  /** Returns a name found in a file, escaped and cut to 80 characters. */
  public static String name(String name) {
    String shown = name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "...";
    return shown.isEmpty() ? "''" : line(shown);
  }

  /** Returns a path, escaped. */
  public static String path(Path path) {
    return line(path.toString());
  }

  /** Returns the system's reason for a failure, without the path that Java puts before it. */
  public static String reason(IOException cause) {
    String reason =
        switch (cause) {
          case NoSuchFileException e -> "there is no such file or folder";
          case AccessDeniedException e -> "permission denied";
          case FileAlreadyExistsException e -> "a file of this name is in the way";
          // Streams put the path before it: "model.pth (Permission denied)".
          case FileNotFoundException e when e.getMessage() != null ->
              e.getMessage().replaceFirst("(?s)^.* \\((.*)\\)$", "$1");
          case FileSystemException e when e.getReason() != null -> e.getReason();
          default -> cause.getMessage();
        };
    return reason == null || reason.isBlank() ? cause.getClass().getSimpleName() : line(reason);
  }

  /** Returns text with every character that is not plainly visible written as a code point. */
  public static String line(String text) {
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
