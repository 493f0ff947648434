package io.github.distillcuda.emulator.ptx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads what stands between the braces of an entry. */
final class EntryBodyParser {
  private final TokenStream tokens;
  private final SourceMap sources;
  private final Map<String, PtxType> registers = new LinkedHashMap<>();
  private final List<Variable> variables = new ArrayList<>();
  private final List<Instruction> instructions = new ArrayList<>();
  private final Map<String, Integer> labels = new HashMap<>();

  /** Innermost first: the name in the text to the register's unique name. */
  private final Deque<Map<String, String>> scopes = new ArrayDeque<>();

  private int scopeCount;

  EntryBodyParser(TokenStream tokens, SourceMap sources) {
    this.tokens = tokens;
    this.sources = sources;
  }

  /** Reads up to and including the closing brace; the opening one has been read. */
  void parse() {
    scopes.push(new HashMap<>());
    while (!scopes.isEmpty()) {
      parseStatement();
    }
  }

  Map<String, PtxType> registers() {
    return registers;
  }

  List<Variable> variables() {
    return variables;
  }

  List<Instruction> instructions() {
    return List.copyOf(instructions);
  }

  Map<String, Integer> labels() {
    return Map.copyOf(labels);
  }

  private void parseStatement() {
    Token first = tokens.peek();
    switch (first.text()) {
      case "{" -> {
        tokens.next();
        scopes.push(new HashMap<>());
        scopeCount++;
      }
      case "}" -> {
        tokens.next();
        scopes.pop();
      }
      case ";" -> tokens.next();
      case ".reg", ".shared", ".local", ".loc", ".pragma" -> parseDirective();
      default -> {
        if (first.text().startsWith(".")) {
          throw new PtxFormatException(
              first.line(), "directive '" + first.text() + "' is not modelled");
        }
        parseLabelOrInstruction();
      }
    }
  }

  private void parseDirective() {
    Token directive = tokens.next();
    switch (directive.text()) {
      case ".reg" -> declareRegisters();
      case ".shared" -> variables.add(PtxParser.parseVariable(tokens, Variable.Space.SHARED));
      case ".local" -> variables.add(PtxParser.parseVariable(tokens, Variable.Space.LOCAL));
      case ".loc" -> sources.readLoc(tokens);
      case ".pragma" -> parsePragma();
      default -> throw new IllegalStateException(directive.text());
    }
  }

  private void parsePragma() {
    Token pragma = tokens.next();
    if (!pragma.is("\"nounroll\"")) {
      throw new PtxFormatException(pragma.line(), "pragma " + pragma.text() + " is not modelled");
    }
    tokens.expect(";");
  }

  /** {@code .reg .f32 %f<224>;} declares %f0 to %f223; {@code .reg .b16 low, high;} two names. */
  private void declareRegisters() {
    PtxType type = PtxParser.parseType(tokens);
    do {
      String name = tokens.next().text();
      if (tokens.accept("<")) {
        int count = tokens.smallNumber();
        tokens.expect(">");
        for (int i = 0; i < count; i++) {
          declareRegister(name + i, type);
        }
      } else {
        declareRegister(name, type);
      }
    } while (tokens.accept(","));
    tokens.expect(";");
  }

  private void declareRegister(String name, PtxType type) {
    String unique = scopes.size() == 1 ? name : name + "#" + scopeCount;
    scopes.peek().put(name, unique);
    registers.put(unique, type);
  }

  private void parseLabelOrInstruction() {
    Optional<Instruction.Guard> guard = parseGuard();
    Token word = tokens.next();
    if (guard.isEmpty() && tokens.accept(":")) {
      labels.put(word.text(), instructions.size());
      return;
    }
    List<Operand> operands = new ArrayList<>();
    if (!tokens.nextIs(";")) {
      do {
        operands.add(parseOperand());
      } while (tokens.accept(","));
    }
    tokens.expect(";");
    instructions.add(
        new Instruction(guard, word.text(), List.copyOf(operands), word.line(), sources.current()));
  }

  private Optional<Instruction.Guard> parseGuard() {
    if (!tokens.accept("@")) {
      return Optional.empty();
    }
    boolean negated = tokens.accept("!");
    return Optional.of(new Instruction.Guard(uniqueName(tokens.next()), negated));
  }

  private Operand parseOperand() {
    if (tokens.accept("{")) {
      List<Operand> elements = new ArrayList<>();
      do {
        elements.add(parseOperand());
      } while (tokens.accept(","));
      tokens.expect("}");
      return new Operand.Vector(List.copyOf(elements));
    }
    if (tokens.accept("[")) {
      return parseAddress();
    }
    if (tokens.accept("!")) {
      return new Operand.Negated(parseOperand());
    }
    if (tokens.nextIsNumber()) {
      return new Operand.Immediate(tokens.number());
    }
    Operand named = registerOrSymbol(tokens.next());
    return tokens.accept("|") ? new Operand.Pair(named, parseOperand()) : named;
  }

  private Operand parseAddress() {
    Operand base = registerOrSymbol(tokens.next());
    long offset = 0;
    if (tokens.accept("+") || tokens.nextIs("-")) {
      offset = tokens.number();
    }
    tokens.expect("]");
    return new Operand.Address(base, offset);
  }

  private Operand registerOrSymbol(Token token) {
    String name = uniqueName(token);
    boolean special = name.startsWith("%");
    return special || registers.containsKey(name)
        ? new Operand.Register(name)
        : new Operand.Symbol(name);
  }

  /** The register that a name means here: the innermost declaration counts. */
  private String uniqueName(Token token) {
    for (Map<String, String> scope : scopes) {
      String unique = scope.get(token.text());
      if (unique != null) {
        return unique;
      }
    }
    return token.text();
  }
}
