package io.github.distillcuda.pickle;

import io.github.distillcuda.pickle.PickleValue.Constant;
import io.github.distillcuda.pickle.PickleValue.Dictionary;
import io.github.distillcuda.pickle.PickleValue.Sequence;
import io.github.distillcuda.pickle.PickleValue.Whole;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads one pickle of protocol 2. A pickle is a program for a stack machine; this machine knows the
 * opcodes that every format here needs, and whatever it is told to name, call or fill in is asked
 * of the format, where an answer of null or false refuses it. Nothing is executed and no name is
 * looked up: names are compared with literals, and all that can come of a pickle is {@link
 * PickleValue}s.
 *
 * <p>Opcodes: Python's {@code Lib/pickletools.py}, whose names are in the comments.
 *
 * @param <X> what the format throws for a pickle that it refuses
 */
public abstract class PickleReader<X extends Exception> {
  private static final int PROTOCOL = 2;
  private static final int MAX_DEPTH = 64;
  private static final int MAX_NAME_BYTES = 256;

  private final ByteBuffer code;
  private final int maxOpcodes;
  private final List<PickleValue> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();
  private final Map<Integer, PickleValue> memo = new HashMap<>();

  /**
   * A reader of one pickle.
   *
   * @param code all of it, which is not copied
   * @param maxOpcodes what a genuine pickle stays well below; bounds time and memory
   */
  protected PickleReader(ByteBuffer code, int maxOpcodes) {
    this.code = code.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.maxOpcodes = maxOpcodes;
  }

  /** Returns what to throw for a fault and what is told with it, in the format's words. */
  protected abstract X refusal(PickleFault fault, Object told);

  /** Returns what an opcode of this format alone pushes, or null if it is none. */
  protected abstract PickleValue load(int opcode) throws X;

  /** Returns the value that stands for a name, or null if the name is not on the list. */
  protected abstract PickleValue named(String module, String name);

  /** Returns what a call yields, or null if it is not on the list. */
  protected abstract PickleValue call(PickleValue callable, List<PickleValue> arguments) throws X;

  /** Takes the state of a value that was called for; returns false if there can be none. */
  protected abstract boolean build(PickleValue target, PickleValue state);

  /** Returns a dictionary's key as a string or long, or null if the format has no such keys. */
  protected abstract Object key(PickleValue value);

  /**
   * Returns the value that the pickle describes.
   *
   * @throws X if it is damaged, too long, or uses anything that the format has no need of
   */
  public final PickleValue read() throws X {
    try {
      int protocol = unsignedByte() == 0x80 ? unsignedByte() : 0; // PROTO
      if (protocol != PROTOCOL) {
        throw refusal(PickleFault.PROTOCOL, protocol);
      }
      for (int count = 0; count < maxOpcodes; count++) {
        int opcode = unsignedByte();
        if (opcode == '.') { // STOP
          return result();
        }
        step(opcode);
      }
    } catch (BufferUnderflowException e) {
      throw refusal(PickleFault.CUT_OFF);
    }
    throw refusal(PickleFault.OPCODES, maxOpcodes);
  }

  private PickleValue result() throws X {
    if (stack.size() != 1 || !marks.isEmpty()) {
      throw refusal(PickleFault.UNFINISHED);
    }
    if (code.hasRemaining()) {
      throw refusal(PickleFault.TRAILING, code.remaining());
    }
    return stack.getFirst();
  }

  private void step(int opcode) throws X {
    switch (opcode) {
      case 'J' -> push(new Whole(int32())); // BININT
      case 'K' -> push(new Whole(unsignedByte())); // BININT1
      case 'M' -> push(new Whole(Short.toUnsignedInt(code.getShort()))); // BININT2
      case 'N' -> push(Constant.NONE); // NONE
      case 0x88 -> push(Constant.TRUE); // NEWTRUE
      case 0x89 -> push(Constant.FALSE); // NEWFALSE
      case '}' -> push(new Dictionary()); // EMPTY_DICT
      case ']' -> push(Sequence.list()); // EMPTY_LIST
      case ')' -> push(Sequence.tuple(List.of())); // EMPTY_TUPLE
      case 0x85 -> push(Sequence.tuple(pop(1))); // TUPLE1
      case 0x86 -> push(Sequence.tuple(pop(2))); // TUPLE2
      case 0x87 -> push(Sequence.tuple(pop(3))); // TUPLE3
      case '(' -> mark(); // MARK
      case 't' -> push(Sequence.tuple(popToMark())); // TUPLE
      case 'q' -> memo.put(unsignedByte(), top()); // BINPUT
      case 'r' -> memo.put(int32(), top()); // LONG_BINPUT
      case 'h' -> push(remembered(unsignedByte())); // BINGET
      case 'j' -> push(remembered(int32())); // LONG_BINGET
      case 'a' -> append(pop(1)); // APPEND
      case 'e' -> append(popToMark()); // APPENDS
      case 's' -> setItems(pop(2)); // SETITEM
      case 'u' -> setItems(popToMark()); // SETITEMS
      case 'c' -> global(); // GLOBAL
      case 'R' -> reduce(); // REDUCE
      case 'b' -> build(); // BUILD
      default -> pushKnown(load(opcode), PickleFault.OPCODE, opcode);
    }
  }

  /** Returns the place of the next byte, counted from 0. */
  protected final int position() {
    return code.position();
  }

  /** Reads a number of one byte. */
  protected final int unsignedByte() {
    return Byte.toUnsignedInt(code.get());
  }

  /** Reads a number of four bytes. */
  protected final int int32() {
    return code.getInt();
  }

  /** Reads a stretch of bytes, of which no copy is made. */
  protected final ByteBuffer bytes(int length) {
    if (length < 0 || length > code.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer bytes = code.slice(code.position(), length);
    code.position(code.position() + length);
    return bytes;
  }

  /** Takes the last value off the stack. */
  protected final PickleValue pop() throws X {
    return pop(1).getFirst();
  }

  private X refusal(PickleFault fault) {
    return refusal(fault, null);
  }

  private void push(PickleValue value) {
    stack.add(value);
  }

  private void pushKnown(PickleValue value, PickleFault fault, Object told) throws X {
    if (value == null) {
      throw refusal(fault, told);
    }
    push(value);
  }

  /** What lies above the innermost mark is all that an opcode may take, as in Python. */
  private void require(int count) throws X {
    int floor = marks.isEmpty() ? 0 : marks.getLast();
    if (stack.size() - floor < count) {
      throw refusal(PickleFault.OPERANDS);
    }
  }

  private PickleValue top() throws X {
    require(1);
    return stack.getLast();
  }

  /** Takes the last values, the deepest first; the list cannot be added to. */
  private List<PickleValue> pop(int count) throws X {
    require(count);
    List<PickleValue> last = stack.subList(stack.size() - count, stack.size());
    List<PickleValue> popped = List.copyOf(last);
    last.clear();
    return popped;
  }

  private void mark() throws X {
    if (marks.size() == MAX_DEPTH) {
      throw refusal(PickleFault.DEPTH, MAX_DEPTH);
    }
    marks.add(stack.size());
  }

  /** Removes the innermost mark and takes what lies above it. */
  private List<PickleValue> popToMark() throws X {
    if (marks.isEmpty()) {
      throw refusal(PickleFault.MARK);
    }
    return pop(stack.size() - marks.removeLast());
  }

  private PickleValue remembered(int index) throws X {
    PickleValue value = memo.get(index);
    if (value == null) {
      throw refusal(PickleFault.MEMO);
    }
    return value;
  }

  private void append(List<PickleValue> items) throws X {
    if (!(top() instanceof Sequence list) || !list.isList()) {
      throw refusal(PickleFault.NO_LIST);
    }
    list.items().addAll(items);
  }

  private void setItems(List<PickleValue> keysAndValues) throws X {
    if (!(top() instanceof Dictionary dictionary) || keysAndValues.size() % 2 != 0) {
      throw refusal(PickleFault.NO_DICTIONARY);
    }
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      Object key = key(keysAndValues.get(i));
      if (key == null) {
        throw refusal(PickleFault.KEY);
      }
      if (!dictionary.put(key, keysAndValues.get(i + 1))) {
        throw refusal(PickleFault.KEY_TWICE, key);
      }
    }
  }

  private void global() throws X {
    String module = line();
    String name = line();
    pushKnown(named(module, name), PickleFault.NAME, module + "." + name);
  }

  private String line() throws X {
    int start = code.position();
    while (unsignedByte() != '\n') {
      if (code.position() - start > MAX_NAME_BYTES) {
        throw refusal(PickleFault.NAME_LENGTH, MAX_NAME_BYTES);
      }
    }
    ByteBuffer line = code.slice(start, code.position() - 1 - start);
    return StandardCharsets.ISO_8859_1.decode(line).toString();
  }

  private void reduce() throws X {
    List<PickleValue> call = pop(2);
    if (!(call.get(1) instanceof Sequence(List<PickleValue> arguments, boolean isList)) || isList) {
      throw refusal(PickleFault.CALL);
    }
    pushKnown(call(call.get(0), arguments), PickleFault.CALL, null);
  }

  private void build() throws X {
    PickleValue state = pop();
    if (!build(top(), state)) {
      throw refusal(PickleFault.STATE);
    }
  }
}
