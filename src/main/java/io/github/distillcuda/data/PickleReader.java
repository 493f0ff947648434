package io.github.distillcuda.data;

import io.github.distillcuda.data.PickledValue.Array;
import io.github.distillcuda.data.PickledValue.Bytes;
import io.github.distillcuda.data.PickledValue.Entries;
import io.github.distillcuda.data.PickledValue.Name;
import io.github.distillcuda.data.PickledValue.Nothing;
import io.github.distillcuda.data.PickledValue.Sequence;
import io.github.distillcuda.data.PickledValue.UnsignedByte;
import io.github.distillcuda.data.PickledValue.Whole;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads the pickle of a CIFAR-10 batch: a stack machine that knows the opcodes that Python 2 writes
 * for a dictionary of numbers, byte strings, lists and one numpy array, and the three numpy names
 * among them. Nothing is executed and no name is looked up: the names are compared with literals,
 * and what they "construct" is a {@link PickledValue}. Everything else is refused by name.
 *
 * <p>Opcodes: Python's {@code Lib/pickletools.py}, protocol 2.
 */
final class PickleReader {
  private final byte[] file;
  private final Object where;
  private final int maxOpcodes;
  private final List<PickledValue> stack = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  private final Map<Integer, PickledValue> memo = new HashMap<>();
  private int position;

  /**
   * A reader of one file.
   *
   * @param maxOpcodes what a genuine file stays well below; bounds time and memory
   */
  PickleReader(byte[] file, Object where, int maxOpcodes) {
    this.file = file;
    this.where = where;
    this.maxOpcodes = maxOpcodes;
  }

  /** Returns the one value of the file. */
  PickledValue read() {
    for (int count = 0; count < maxOpcodes; count++) {
      int opcode = number(1);
      if (opcode == '.') {
        return end();
      }
      step(opcode);
    }
    throw refuse("more than " + maxOpcodes + " opcodes");
  }

  private PickledValue end() {
    if (stack.size() != 1 || !marks.isEmpty()) {
      throw refuse("an end in the middle of a value");
    }
    if (position != file.length) {
      throw refuse((file.length - position) + " bytes after the end");
    }
    return stack.get(0);
  }

  private void step(int opcode) {
    switch (opcode) {
      case 0x80 -> protocol(number(1));
      case '}' -> push(new Entries());
      case ']' -> push(Sequence.list());
      case ')' -> push(Sequence.tuple(List.of()));
      case '(' -> marks.push(stack.size());
      case 'U' -> push(bytes(number(1)));
      case 'T' -> push(bytes(number(4)));
      case 'K' -> push(new Whole(number(1)));
      case 'M' -> push(new Whole(number(2)));
      case 'J' -> push(new Whole(number(4)));
      case 'N' -> push(new Nothing());
      case 0x88 -> push(new Whole(1));
      case 0x89 -> push(new Whole(0));
      case 0x85 -> push(Sequence.tuple(take(1)));
      case 0x86 -> push(Sequence.tuple(take(2)));
      case 0x87 -> push(Sequence.tuple(take(3)));
      case 't' -> push(Sequence.tuple(takeToMark()));
      case 'q' -> memo.put(number(1), top());
      case 'r' -> memo.put(number(4), top());
      case 'h' -> push(remembered(number(1)));
      case 'j' -> push(remembered(number(4)));
      case 'a' -> append(take(1));
      case 'e' -> append(takeToMark());
      case 's' -> put(take(2));
      case 'u' -> put(takeToMark());
      case 'c' -> push(name());
      case 'R' -> reduce();
      case 'b' -> build();
      default -> throw refuse(String.format(Locale.ROOT, "opcode 0x%02X", opcode));
    }
  }

  private void protocol(int version) {
    if (position != 2 || version != 2) {
      throw refuse("pickle protocol " + version);
    }
  }

  private Name name() {
    String module = line();
    String name = line();
    for (Name known : Name.values()) {
      if (known.is(module, name)) {
        return known;
      }
    }
    throw refuse("the name " + module + "." + name);
  }

  /** numpy writes _reconstruct(ndarray, (0,), 'b') for an array and dtype('u1', 0, 1) for bytes. */
  private void reduce() {
    List<PickledValue> callAndArguments = take(2);
    if (callAndArguments.get(1) instanceof Sequence arguments) {
      List<PickledValue> given = arguments.items();
      PickledValue call = callAndArguments.get(0);
      if (call == Name.RECONSTRUCT && given.size() == 3 && given.get(0) == Name.ARRAY) {
        push(new Array());
        return;
      }
      if (call == Name.ELEMENT_TYPE && given.size() == 3 && isText(given.get(0), "u1")) {
        push(new UnsignedByte());
        return;
      }
    }
    throw refuse("a construction other than an array of unsigned bytes");
  }

  private void build() {
    PickledValue state = take(1).get(0);
    switch (top()) {
      case Array array when state instanceof Sequence parts && array.state() == null ->
          array.setState(parts);
      case UnsignedByte type when state instanceof Sequence -> {
        // byte order, fields and alignment mean nothing for single bytes
      }
      default -> throw refuse("a state for something that has none");
    }
  }

  private void append(List<PickledValue> items) {
    if (!(top() instanceof Sequence list && list.isList())) {
      throw refuse("items for something that is no list");
    }
    list.items().addAll(items);
  }

  private void put(List<PickledValue> keysAndValues) {
    if (!(top() instanceof Entries entries) || keysAndValues.size() % 2 != 0) {
      throw refuse("entries for something that is no dictionary");
    }
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      if (!(keysAndValues.get(i) instanceof Bytes key)) {
        throw refuse("a key that is no string");
      }
      if (entries.byKey().put(text(key), keysAndValues.get(i + 1)) != null) {
        throw refuse("the key " + text(key) + " twice");
      }
    }
  }

  private boolean isText(PickledValue value, String expected) {
    return value instanceof Bytes bytes && text(bytes).equals(expected);
  }

  private String text(Bytes bytes) {
    if (bytes.length() > 256) {
      throw refuse("a string of " + bytes.length() + " bytes where a name belongs");
    }
    return new String(file, bytes.offset(), bytes.length(), StandardCharsets.ISO_8859_1);
  }

  private void push(PickledValue value) {
    stack.add(value);
  }

  private PickledValue top() {
    if (stack.size() <= bottom()) {
      throw refuse("an opcode without its operand");
    }
    return stack.get(stack.size() - 1);
  }

  /** Pops the last {@code count} values, the deepest first; the list cannot be added to. */
  private List<PickledValue> take(int count) {
    if (stack.size() - count < bottom()) {
      throw refuse("an opcode without its operands");
    }
    List<PickledValue> last = stack.subList(stack.size() - count, stack.size());
    List<PickledValue> taken = List.copyOf(last);
    last.clear();
    return taken;
  }

  private List<PickledValue> takeToMark() {
    if (marks.isEmpty()) {
      throw refuse("an opcode without its mark");
    }
    int mark = marks.peek();
    List<PickledValue> taken = take(stack.size() - mark);
    marks.pop();
    return taken;
  }

  /** Values below the innermost mark are out of reach, as in Python's own reader. */
  private int bottom() {
    return marks.isEmpty() ? 0 : marks.peek();
  }

  private PickledValue remembered(int index) {
    PickledValue value = memo.get(index);
    if (value == null) {
      throw refuse("a reference to nothing");
    }
    return value;
  }

  private Bytes bytes(int length) {
    if (length < 0 || length > file.length - position) {
      throw refuse("a string that runs past the end of the file");
    }
    position += length;
    return new Bytes(position - length, length);
  }

  /** Reads a little-endian number of 1, 2 or 4 bytes; only that of 4 bytes is signed. */
  private int number(int byteCount) {
    if (byteCount > file.length - position) {
      throw refuse("the end of the file in the middle of a value");
    }
    int number = 0;
    for (int i = 0; i < byteCount; i++) {
      number |= (file[position++] & 0xFF) << (8 * i);
    }
    return number;
  }

  private String line() {
    int start = position;
    while (position < file.length && position - start <= 256) {
      if (file[position++] == '\n') {
        return new String(file, start, position - 1 - start, StandardCharsets.ISO_8859_1);
      }
    }
    throw refuse("a name without an end");
  }

  private RuntimeException refuse(String got) {
    return DataFault.invalid(
        where,
        "the fixed layout of a CIFAR-10 batch",
        got + " at byte " + position,
        "download the official archive again");
  }
}
