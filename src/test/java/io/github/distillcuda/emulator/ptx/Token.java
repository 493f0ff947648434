package io.github.distillcuda.emulator.ptx;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A word, a quoted string or one punctuation character of PTX. A word holds its dots, so that
 * {@code ld.global.f32}, {@code .reg} and {@code %tid.x} are one token each.
 */
record Token(String text, int line) {
  private static final Pattern NEXT =
      Pattern.compile(
          """
          (?<skip>\\s+|//[^\\n]*|/\\*(?s:.*?)\\*/)\
          |(?<token>(?:[\\w.$%]|::)+|"[^"\\n]*"|[{}()\\[\\]<>,;:+\\-@!|=])\
          """);

  static List<Token> split(String text) {
    List<Token> tokens = new ArrayList<>();
    Matcher next = NEXT.matcher(text);
    int position = 0;
    int line = 1;
    while (position < text.length()) {
      if (!next.find(position) || next.start() != position) {
        throw new PtxFormatException(line, "unexpected character '" + text.charAt(position) + "'");
      }
      if (next.group("token") != null) {
        tokens.add(new Token(next.group(), line));
      }
      line += (int) next.group().chars().filter(c -> c == '\n').count();
      position = next.end();
    }
    return tokens;
  }

  boolean is(String expected) {
    return text.equals(expected);
  }

  /** The content of a quoted string. */
  String unquoted() {
    return text.substring(1, text.length() - 1);
  }
}
