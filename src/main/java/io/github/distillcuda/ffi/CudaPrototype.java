package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A C function as {@link CudaFunctionTables} writes it: {@code cuMemAlloc_v2(out pointer dptr, long
 * bytesize)}. What it returns is a status, unless {@code returns long}, {@code returns text} or
 * {@code returns nothing} stands before the name.
 *
 * @param returns what the function returns
 * @param symbol the exported name
 * @param parameters in order
 */
record CudaPrototype(Result returns, String symbol, List<Parameter> parameters) {
  /** What a function returns. */
  enum Result {
    STATUS,
    LONG,
    TEXT,
    NOTHING
  }

  /** The types of parameters, by their names in the tables. */
  enum Type {
    /** A C int, unsigned int, unsigned char or enumerator; Java int. */
    INT("int", JAVA_INT),
    /** A size_t or another integer of 64 bits; Java long. */
    LONG("long", JAVA_LONG),
    /** A handle or a device address, which the host never follows; Java long. */
    POINTER("pointer", JAVA_LONG),
    FLOAT("float", JAVA_FLOAT),
    DOUBLE("double", JAVA_DOUBLE),
    /** The address of a float in host memory, read during the call; Java float. */
    FLOAT_BY_ADDRESS("float*", ADDRESS),
    /** Host memory; a MemorySegment outside of the Java heap. */
    MEMORY("memory", ADDRESS),
    /** A C string; Java String. */
    TEXT("text", ADDRESS);

    private final String word;
    private final ValueLayout layout;

    Type(String word, ValueLayout layout) {
      this.word = word;
      this.layout = layout;
    }

    private static Type of(String word) {
      return Arrays.stream(values())
          .filter(type -> type.word.equals(word))
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException("no type is called " + word));
    }
  }

  /**
   * A parameter.
   *
   * @param out whether C takes the address of a place for a value of this type, which becomes a
   *     result in Java
   * @param type of the value
   * @param name as in the C header
   */
  record Parameter(boolean out, Type type, String name) {
    private static Parameter parse(String text) {
      String[] words = text.trim().split(" ");
      boolean out = words[0].equals("out");
      if (words.length != (out ? 3 : 2)) {
        throw new IllegalArgumentException("no parameter: " + text);
      }
      return new Parameter(out, Type.of(words[words.length - 2]), words[words.length - 1]);
    }

    private MemoryLayout layout() {
      return out ? ADDRESS : type.layout;
    }

    /** Returns name and value as a failure shows them. */
    private String show(Object value) {
      String shown =
          switch (value) {
            case Long address when type == Type.POINTER -> "0x" + Long.toHexString(address);
            case MemorySegment host -> "0x%x:%d".formatted(host.address(), host.byteSize());
            default -> value.toString();
          };
      return name + "=" + shown;
    }

    @Override
    public String toString() {
      return (out ? "out " : "") + type.word + " " + name;
    }
  }

  private static final Pattern ROW =
      Pattern.compile("(?:returns (\\w+) )?(\\w+)\\(([^()]*)\\)", Pattern.DOTALL);

  /** Reads a table: one prototype after the other, each on as many lines as it needs. */
  static List<CudaPrototype> parseTable(String table) {
    List<CudaPrototype> prototypes = new ArrayList<>();
    Matcher row = ROW.matcher(table);
    int end = 0;
    for (; row.find(); end = row.end()) {
      requireBlank(table.substring(end, row.start()));
      Result returns =
          row.group(1) == null
              ? Result.STATUS
              : Result.valueOf(row.group(1).toUpperCase(Locale.ROOT));
      List<Parameter> parameters =
          row.group(3).isBlank()
              ? List.of()
              : Arrays.stream(row.group(3).split(",", -1)).map(Parameter::parse).toList();
      prototypes.add(new CudaPrototype(returns, row.group(2), parameters));
    }
    requireBlank(table.substring(end));
    return prototypes;
  }

  private static void requireBlank(String between) {
    if (!between.isBlank()) {
      throw new IllegalArgumentException("no prototype: " + between.trim());
    }
  }

  /** Returns the signature for the linker. */
  FunctionDescriptor descriptor() {
    MemoryLayout[] layouts =
        parameters.stream().map(Parameter::layout).toArray(MemoryLayout[]::new);
    return switch (returns) {
      case STATUS -> FunctionDescriptor.of(JAVA_INT, layouts);
      case LONG -> FunctionDescriptor.of(JAVA_LONG, layouts);
      case TEXT -> FunctionDescriptor.of(ADDRESS, layouts);
      case NOTHING -> FunctionDescriptor.ofVoid(layouts);
    };
  }

  /** Returns the parameters that a caller gives, which are those that are not {@code out}. */
  List<Parameter> inputs() {
    return parameters.stream().filter(parameter -> !parameter.out).toList();
  }

  /**
   * Returns the call as a failure shows it, such as {@code cuMemAlloc_v2(bytesize=4096)}.
   *
   * @param arguments a value for each of {@link #inputs}
   */
  String show(Object... arguments) {
    List<Parameter> inputs = inputs();
    List<String> shown = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      shown.add(inputs.get(i).show(arguments[i]));
    }
    return symbol + "(" + String.join(", ", shown) + ")";
  }
}
