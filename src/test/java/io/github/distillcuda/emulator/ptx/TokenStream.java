package io.github.distillcuda.emulator.ptx;

import java.util.List;

/** A cursor over tokens, with the few questions that a recursive-descent parser asks. */
final class TokenStream {
  private static final Token END = new Token("end of file", 0);

  private final List<Token> tokens;
  private int position;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  boolean atEnd() {
    return position == tokens.size();
  }

  Token peek() {
    return atEnd() ? END : tokens.get(position);
  }

  boolean nextIs(String text) {
    return peek().is(text);
  }

  Token next() {
    Token token = peek();
    position++;
    return token;
  }

  /** Takes the next token if it is {@code text}. */
  boolean accept(String text) {
    boolean found = nextIs(text);
    if (found) {
      position++;
    }
    return found;
  }

  void expect(String text) {
    Token token = next();
    if (!token.is(text)) {
      throw new PtxFormatException(
          token.line(), "expected '" + text + "' but found '" + token.text() + "'");
    }
  }

  /** An integer, decimal or hexadecimal, or a float written as its bits (0f..., 0d...). */
  long number() {
    boolean negative = accept("-");
    Token token = next();
    try {
      long value = parse(token.text());
      return negative ? -value : value;
    } catch (NumberFormatException e) {
      throw new PtxFormatException(token.line(), "not a number: '" + token.text() + "'");
    }
  }

  int smallNumber() {
    return Math.toIntExact(number());
  }

  boolean nextIsNumber() {
    return nextIs("-") || Character.isDigit(peek().text().charAt(0));
  }

  private static long parse(String text) {
    if (text.length() > 2 && text.charAt(0) == '0') {
      switch (text.charAt(1)) {
        case 'f', 'F', 'd', 'D', 'x', 'X' -> {
          return Long.parseUnsignedLong(text.substring(2), 16);
        }
        default -> {}
      }
    }
    return Long.parseUnsignedLong(text.endsWith("U") ? text.substring(0, text.length() - 1) : text);
  }
}
