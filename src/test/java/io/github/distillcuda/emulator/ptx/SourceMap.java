package io.github.distillcuda.emulator.ptx;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Follows {@code .file} and {@code .loc}: which source line the parser is at.
 *
 * <p>A build may strip from {@code .loc} what it says about inlining. What comes from another file
 * than the kernel's own is then still known to be inlined, into the last line of the kernel's file.
 */
final class SourceMap {
  private record Position(int file, int line, int column) {}

  private static final int NONE = 0;

  private final Map<Integer, String> files = new HashMap<>();
  private final Map<Position, SourceLine> lastSeen = new HashMap<>();
  private SourceLine current = SourceLine.UNKNOWN;
  private SourceLine lastOfOwnFile = SourceLine.UNKNOWN;
  private int ownFile;

  /** Collects the {@code .file} lines first: nvcc writes them behind the code that needs them. */
  SourceMap(List<Token> tokens) {
    for (int i = 0; i + 2 < tokens.size(); i++) {
      if (tokens.get(i).is(".file")) {
        files.put(Integer.valueOf(tokens.get(i + 1).text()), tokens.get(i + 2).unquoted());
      }
    }
  }

  SourceLine current() {
    return current;
  }

  void beginEntry() {
    lastSeen.clear();
    current = SourceLine.UNKNOWN;
    ownFile = NONE;
  }

  /** Reads {@code .loc file line column [, function_name label, inlined_at file line column]}. */
  void readLoc(TokenStream tokens) {
    Position here = readPosition(tokens);
    Optional<SourceLine> caller = Optional.empty();
    if (tokens.accept(",")) {
      tokens.expect("function_name");
      tokens.next();
      if (tokens.accept("+")) {
        tokens.number();
      }
      tokens.expect(",");
      tokens.expect("inlined_at");
      Position call = readPosition(tokens);
      // The call's own .loc came just before, and says where that one was inlined in turn.
      caller = Optional.of(lastSeen.getOrDefault(call, lineAt(call, Optional.empty())));
    }
    if (ownFile == NONE) {
      ownFile = here.file(); // nvcc begins every kernel with a .loc of its own
    }
    if (here.line() == 0) {
      return; // code that belongs to no line keeps the line before it
    }
    if (here.file() == ownFile) {
      current = lineAt(here, caller);
      lastOfOwnFile = current;
    } else {
      current = lineAt(here, caller.or(() -> Optional.of(lastOfOwnFile)));
    }
    lastSeen.put(here, current);
  }

  private static Position readPosition(TokenStream tokens) {
    return new Position(tokens.smallNumber(), tokens.smallNumber(), tokens.smallNumber());
  }

  private SourceLine lineAt(Position position, Optional<SourceLine> caller) {
    String file = files.getOrDefault(position.file(), "file " + position.file());
    return new SourceLine(file, position.line(), caller);
  }
}
