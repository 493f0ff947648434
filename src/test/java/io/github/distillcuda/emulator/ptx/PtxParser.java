package io.github.distillcuda.emulator.ptx;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads a PTX module. Accepts the directives that nvcc 13 writes and rejects every other one by
 * name, so that PTX with a new feature is never run with that feature ignored.
 */
public final class PtxParser {
  private final TokenStream tokens;
  private final SourceMap sources;
  private final List<Variable> moduleVariables = new ArrayList<>();
  private final List<Entry> entries = new ArrayList<>();

  private PtxParser(List<Token> tokens) {
    this.tokens = new TokenStream(tokens);
    this.sources = new SourceMap(tokens);
  }

  /** All entries of the module, in the order of the text. */
  public static List<Entry> parse(String text) {
    PtxParser parser = new PtxParser(Token.split(text));
    while (!parser.tokens.atEnd()) {
      parser.parseModuleDirective();
    }
    return List.copyOf(parser.entries);
  }

  private void parseModuleDirective() {
    Token directive = tokens.next();
    switch (directive.text()) {
      case ".version", ".address_size" -> tokens.next();
      case ".target" -> {
        tokens.next();
        while (tokens.accept(",")) {
          tokens.next();
        }
      }
      case ".file" -> {
        tokens.number();
        tokens.next();
      }
      case ".section" -> skipDebugSection();
      case ".visible", ".weak", ".extern" -> {} // linkage: every entry can be launched by name
      case ".shared" -> moduleVariables.add(parseVariable(tokens, Variable.Space.SHARED));
      case ".entry" -> parseEntry();
      default ->
          throw new PtxFormatException(
              directive.line(), "directive '" + directive.text() + "' is not modelled");
    }
  }

  private void skipDebugSection() {
    tokens.next();
    tokens.expect("{");
    while (!tokens.accept("}")) {
      tokens.next();
    }
  }

  private void parseEntry() {
    String name = tokens.next().text();
    sources.beginEntry();
    List<Parameter> parameters = parseParameters();
    int maxThreads = Integer.MAX_VALUE;
    int clusterBlocks = 1;
    while (!tokens.accept("{")) {
      Token directive = tokens.next();
      switch (directive.text()) {
        case ".maxntid", ".reqntid" -> maxThreads = parseDimensions();
        case ".reqnctapercluster" -> clusterBlocks = parseDimensions();
        case ".minnctapersm", ".maxnreg" -> tokens.number();
        case ".explicitcluster" -> {}
        default ->
            throw new PtxFormatException(
                directive.line(), "directive '" + directive.text() + "' is not modelled");
      }
    }
    EntryBodyParser body = new EntryBodyParser(tokens, sources);
    body.parse();
    List<Variable> variables = new ArrayList<>(moduleVariables);
    variables.addAll(body.variables());
    entries.add(
        new Entry(
            name,
            parameters,
            body.registers(),
            List.copyOf(variables),
            body.instructions(),
            body.labels(),
            maxThreads,
            clusterBlocks));
  }

  private List<Parameter> parseParameters() {
    List<Parameter> parameters = new ArrayList<>();
    if (!tokens.accept("(") || tokens.accept(")")) {
      return parameters;
    }
    int end = 0;
    do {
      Parameter parameter = parseParameter(end);
      end = parameter.offset() + parameter.bytes();
      parameters.add(parameter);
    } while (tokens.accept(","));
    tokens.expect(")");
    return List.copyOf(parameters);
  }

  /**
   * {@code .param .u64 name}, {@code .param .u64 .ptr .align 1 name}, {@code .param .align 8 .b8
   * name[24]}.
   */
  private Parameter parseParameter(int firstFreeByte) {
    tokens.expect(".param");
    int structAlignment = tokens.accept(".align") ? tokens.smallNumber() : 1;
    PtxType type = parseType(tokens);
    if (tokens.accept(".ptr")) {
      while (tokens.peek().text().startsWith(".")) { // .global .align 16: what the pointee is
        if (tokens.next().is(".align")) {
          tokens.number();
        }
      }
    }
    String name = tokens.next().text();
    int bytes = type.bytes() * parseArrayLength(tokens);
    int alignment = Math.max(structAlignment, type.bytes());
    return new Parameter(name, type, roundUp(firstFreeByte, alignment), bytes);
  }

  /** The product of {@code 16, 4, 1}. */
  private int parseDimensions() {
    int product = tokens.smallNumber();
    while (tokens.accept(",")) {
      product *= tokens.smallNumber();
    }
    return product;
  }

  /** Reads what follows {@code .shared} or {@code .local}: {@code .align 4 .b8 name[256];}. */
  static Variable parseVariable(TokenStream tokens, Variable.Space space) {
    int alignment = tokens.accept(".align") ? tokens.smallNumber() : 1;
    PtxType type = parseType(tokens);
    String name = tokens.next().text();
    int bytes = type.bytes() * parseArrayLength(tokens);
    tokens.expect(";");
    return new Variable(space, name, Math.max(alignment, type.bytes()), bytes);
  }

  static PtxType parseType(TokenStream tokens) {
    Token word = tokens.next();
    return PtxType.ofDirective(word.text())
        .orElseThrow(
            () -> new PtxFormatException(word.line(), "type '" + word.text() + "' is unknown"));
  }

  /** Reads {@code [24]}, {@code []} (length 0) or nothing (a scalar, length 1). */
  private static int parseArrayLength(TokenStream tokens) {
    if (!tokens.accept("[")) {
      return 1;
    }
    int length = tokens.nextIs("]") ? 0 : tokens.smallNumber();
    tokens.expect("]");
    return length;
  }

  private static int roundUp(int value, int multiple) {
    return (value + multiple - 1) / multiple * multiple;
  }
}
