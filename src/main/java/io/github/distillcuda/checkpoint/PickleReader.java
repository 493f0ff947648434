package io.github.distillcuda.checkpoint;

import io.github.distillcuda.checkpoint.PickleValue.Dictionary;
import io.github.distillcuda.checkpoint.PickleValue.Named;
import io.github.distillcuda.checkpoint.PickleValue.Other;
import io.github.distillcuda.checkpoint.PickleValue.Sequence;
import io.github.distillcuda.checkpoint.PickleValue.Text;
import io.github.distillcuda.checkpoint.PickleValue.Whole;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Reads a pickle of protocol 2 as far as {@code torch.save} needs it for state dicts. A pickle is a
 * program for a stack machine; this machine knows the 33 instructions that occur, and its {@code
 * REDUCE} and {@code BUILD} know three callables, all of which only make {@link PickleValue}s.
 */
final class PickleReader {
  /** About 30 a tensor are needed; bounds the memory that a hostile file can claim. */
  private static final int MAX_INSTRUCTIONS = 300_000;

  private static final int MAX_BYTES = 8 << 20;
  private static final int MAX_DEPTH = 64;
  private static final int MAX_NAME_BYTES = 256;

  private final ByteBuffer code;
  private final List<PickleValue> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();
  private final Map<Integer, PickleValue> memo = new HashMap<>();

  private PickleReader(ByteBuffer code) {
    this.code = code;
  }

  /**
   * Returns the value that a pickle describes.
   *
   * @throws InvalidFileException if it is damaged, too long, or uses anything that is not on the
   *     list
   */
  static PickleValue read(ByteBuffer pickle) throws InvalidFileException {
    if (pickle.remaining() > MAX_BYTES) {
      throw new InvalidFileException("its pickle has more than " + MAX_BYTES + " bytes");
    }
    try {
      return new PickleReader(pickle.duplicate().order(ByteOrder.LITTLE_ENDIAN)).run();
    } catch (BufferUnderflowException e) {
      throw new InvalidFileException("its pickle ends in the middle of an instruction", e);
    }
  }

  private PickleValue run() throws InvalidFileException {
    int protocol = code.get() == (byte) 0x80 ? code.get() : -1;
    if (protocol != 2) {
      throw new InvalidFileException(
          "its pickle is not of protocol 2; save it with torch.save's default");
    }
    for (int count = 0; count < MAX_INSTRUCTIONS; count++) {
      int at = code.position();
      int instruction = Byte.toUnsignedInt(code.get());
      if (instruction == '.') {
        return result();
      }
      step(instruction, at);
    }
    throw new InvalidFileException(
        "its pickle has more than " + MAX_INSTRUCTIONS + " instructions");
  }

  private PickleValue result() throws InvalidFileException {
    if (stack.size() != 1 || !marks.isEmpty() || code.hasRemaining()) {
      throw new InvalidFileException("its pickle leaves something over at its end");
    }
    return stack.getFirst();
  }

  /** Carries out one instruction; the comments are the names in Python's pickletools. */
  private void step(int instruction, int at) throws InvalidFileException {
    switch (instruction) {
      case 'X' -> push(new Text(text(code.getInt()))); // BINUNICODE
      case 'J' -> push(new Whole(code.getInt())); // BININT
      case 'K' -> push(new Whole(Byte.toUnsignedInt(code.get()))); // BININT1
      case 'M' -> push(new Whole(Short.toUnsignedInt(code.getShort()))); // BININT2
      case 0x8a -> push(longInteger(Byte.toUnsignedInt(code.get()))); // LONG1
      case 'G' -> { // BINFLOAT
        code.getLong();
        push(Other.VALUE);
      }
      case 'N', 0x88, 0x89 -> push(Other.VALUE); // NONE, NEWTRUE, NEWFALSE
      case '}' -> push(new Dictionary(false)); // EMPTY_DICT
      case ']' -> push(new Sequence(new ArrayList<>(0), true)); // EMPTY_LIST
      case ')' -> push(tuple(0)); // EMPTY_TUPLE
      case 0x85 -> push(tuple(1)); // TUPLE1
      case 0x86 -> push(tuple(2)); // TUPLE2
      case 0x87 -> push(tuple(3)); // TUPLE3
      case '(' -> mark(); // MARK
      case 't' -> push(tuple(sinceMark())); // TUPLE
      case 'q' -> memo.put(Byte.toUnsignedInt(code.get()), top()); // BINPUT
      case 'r' -> memo.put(code.getInt(), top()); // LONG_BINPUT
      case 'h' -> push(remembered(Byte.toUnsignedInt(code.get()))); // BINGET
      case 'j' -> push(remembered(code.getInt())); // LONG_BINGET
      case 'c' -> push(new Named(PickleName.of(line(), line()))); // GLOBAL
      case 'R' -> reduce(); // REDUCE
      case 'Q' -> push(PickleCalls.storage(pop())); // BINPERSID
      case 'b' -> build(); // BUILD
      case 's' -> setItems(2); // SETITEM
      case 'u' -> setItems(sinceMark()); // SETITEMS
      case 'a' -> append(1); // APPEND
      case 'e' -> append(sinceMark()); // APPENDS
      default ->
          throw new InvalidFileException(
              "its pickle has the instruction 0x"
                  + HexFormat.of().toHexDigits((byte) instruction)
                  + " at "
                  + at
                  + ", which no state dict needs");
    }
  }

  private void push(PickleValue value) {
    stack.add(value);
  }

  /** What lies above the innermost mark is all that an instruction may take. */
  private void require(int count) throws InvalidFileException {
    int floor = marks.isEmpty() ? 0 : marks.getLast();
    if (stack.size() - floor < count) {
      throw new InvalidFileException("its pickle takes more from the stack than is there");
    }
  }

  private PickleValue top() throws InvalidFileException {
    require(1);
    return stack.getLast();
  }

  private PickleValue pop() throws InvalidFileException {
    require(1);
    return stack.removeLast();
  }

  private List<PickleValue> pop(int count) throws InvalidFileException {
    require(count);
    List<PickleValue> tail = stack.subList(stack.size() - count, stack.size());
    List<PickleValue> popped = List.copyOf(tail);
    tail.clear();
    return popped;
  }

  private void mark() throws InvalidFileException {
    if (marks.size() == MAX_DEPTH) {
      throw new InvalidFileException("its pickle is nested deeper than " + MAX_DEPTH);
    }
    marks.add(stack.size());
  }

  /** Removes the innermost mark and returns how many values lie above it. */
  private int sinceMark() throws InvalidFileException {
    if (marks.isEmpty()) {
      throw new InvalidFileException("its pickle ends a group that it did not begin");
    }
    return stack.size() - marks.removeLast();
  }

  private Sequence tuple(int count) throws InvalidFileException {
    return new Sequence(pop(count), false);
  }

  private PickleValue remembered(int index) throws InvalidFileException {
    PickleValue value = memo.get(index);
    if (value == null) {
      throw new InvalidFileException("its pickle recalls a value that it did not store");
    }
    return value;
  }

  private String text(int length) throws InvalidFileException {
    if (length < 0 || length > code.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer bytes = code.slice(code.position(), length);
    code.position(code.position() + length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new InvalidFileException("its pickle has text that is not UTF-8", e);
    }
  }

  private String line() throws InvalidFileException {
    StringBuilder line = new StringBuilder();
    for (byte next = code.get(); next != '\n'; next = code.get()) {
      if (line.length() == MAX_NAME_BYTES) {
        throw new InvalidFileException("its pickle has a name of more than 256 bytes");
      }
      line.append((char) Byte.toUnsignedInt(next));
    }
    return line.toString();
  }

  private PickleValue longInteger(int length) {
    byte[] bytes = new byte[length];
    code.get(bytes);
    if (length > Long.BYTES) {
      return Other.VALUE;
    }
    long value = length > 0 && bytes[length - 1] < 0 ? -1 : 0;
    for (int i = length - 1; i >= 0; i--) {
      value = value << 8 | Byte.toUnsignedInt(bytes[i]);
    }
    return new Whole(value);
  }

  private void reduce() throws InvalidFileException {
    PickleValue arguments = pop();
    PickleValue callable = pop();
    push(PickleCalls.call(callable, arguments));
  }

  /** Attributes of an ordered dictionary: PyTorch's {@code _metadata}, of which nothing is used. */
  private void build() throws InvalidFileException {
    PickleValue attributes = pop();
    boolean known = top() instanceof Dictionary target && target.ordered();
    if (!known || !(attributes instanceof Dictionary)) {
      throw new InvalidFileException("its pickle sets attributes of something that has none");
    }
  }

  private void setItems(int count) throws InvalidFileException {
    List<PickleValue> items = pop(count);
    if (!(top() instanceof Dictionary target) || count % 2 != 0) {
      throw new InvalidFileException("its pickle sets items of something that is no dictionary");
    }
    for (int i = 0; i < count; i += 2) {
      Object key =
          switch (items.get(i)) {
            case Text(String text) -> text;
            case Whole(long value) -> value;
            default ->
                throw new InvalidFileException("its pickle has a key that is no text or integer");
          };
      if (!target.put(key, items.get(i + 1))) {
        throw new InvalidFileException(
            "its pickle has the key " + Printable.name(key.toString()) + " twice in a dictionary");
      }
    }
  }

  private void append(int count) throws InvalidFileException {
    List<PickleValue> items = pop(count);
    if (!(top() instanceof Sequence target) || !target.appendable()) {
      throw new InvalidFileException("its pickle appends to something that is no list");
    }
    target.items().addAll(items);
  }
}
