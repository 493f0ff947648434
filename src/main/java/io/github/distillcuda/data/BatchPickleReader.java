package io.github.distillcuda.data;

import io.github.distillcuda.data.BatchValue.Array;
import io.github.distillcuda.data.BatchValue.Bytes;
import io.github.distillcuda.data.BatchValue.Numpy;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.pickle.PickleFault;
import io.github.distillcuda.pickle.PickleReader;
import io.github.distillcuda.pickle.PickleValue;
import io.github.distillcuda.pickle.PickleValue.Sequence;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * Reads the pickle of a CIFAR-10 batch: what Python 2 writes for a dictionary of numbers, byte
 * strings, lists and one numpy array, and the three numpy names among them.
 */
final class BatchPickleReader extends PickleReader<DistillException> {
  private static final int MAX_KEY_BYTES = 256;

  private final Object where;

  /**
   * A reader of one file, whose byte strings become views of {@code file}.
   *
   * @param where what messages call it
   * @param maxOpcodes what a genuine file stays well below
   */
  BatchPickleReader(byte[] file, Object where, int maxOpcodes) {
    super(ByteBuffer.wrap(file), maxOpcodes);
    this.where = where;
  }

  @Override
  protected PickleValue load(int opcode) {
    return switch (opcode) {
      case 'U' -> new Bytes(bytes(unsignedByte())); // SHORT_BINSTRING
      case 'T' -> new Bytes(bytes(int32())); // BINSTRING
      case 0x80 -> throw refusal(PickleFault.PROTOCOL, unsignedByte()); // PROTO, a second time
      default -> null;
    };
  }

  @Override
  protected PickleValue named(String module, String name) {
    return switch (module + " " + name) {
      case "numpy.core.multiarray _reconstruct" -> Numpy.RECONSTRUCT;
      case "numpy ndarray" -> Numpy.ARRAY;
      case "numpy dtype" -> Numpy.ELEMENT_TYPE;
      default -> null;
    };
  }

  /** numpy writes _reconstruct(ndarray, (0,), 'b') for an array and dtype('u1', 0, 1) for bytes. */
  @Override
  protected PickleValue call(PickleValue callable, List<PickleValue> arguments) {
    if (arguments.size() == 3) {
      PickleValue first = arguments.getFirst();
      if (callable == Numpy.RECONSTRUCT && first == Numpy.ARRAY) {
        return new Array();
      }
      if (callable == Numpy.ELEMENT_TYPE && "u1".equals(key(first))) {
        return Numpy.UNSIGNED_BYTE;
      }
    }
    return null;
  }

  /** Byte order, fields and alignment, the state of an element type, mean nothing for bytes. */
  @Override
  protected boolean build(PickleValue target, PickleValue state) {
    return state instanceof Sequence parts
        && (target == Numpy.UNSIGNED_BYTE || target instanceof Array array && array.build(parts));
  }

  /** Returns a byte string that is no longer than a name. */
  @Override
  protected Object key(PickleValue value) {
    return value instanceof Bytes(ByteBuffer content) && content.remaining() <= MAX_KEY_BYTES
        ? StandardCharsets.ISO_8859_1.decode(content.duplicate()).toString()
        : null;
  }

  @Override
  protected DistillException refusal(PickleFault fault, Object told) {
    String got =
        switch (fault) {
          case PROTOCOL -> "pickle protocol " + told;
          case OPCODE -> String.format(Locale.ROOT, "opcode 0x%02X", told);
          case CUT_OFF -> "a value that runs past the end of the file";
          case OPCODES -> "more than " + told + " opcodes";
          case UNFINISHED -> "an end in the middle of a value";
          case TRAILING -> told + " bytes after the end";
          case OPERANDS -> "an opcode without its operands";
          case MARK -> "an opcode without its mark";
          case DEPTH -> "more than " + told + " nested marks";
          case MEMO -> "a reference to nothing";
          case NAME_LENGTH -> "a name of more than " + told + " bytes";
          case NAME -> "the name " + told;
          case CALL -> "a construction other than an array of unsigned bytes";
          case STATE -> "a state for something that has none";
          case NO_LIST -> "items for something that is not a list";
          case NO_DICTIONARY -> "entries for something that is not a dictionary";
          case KEY -> "a key that is not a string of at most " + MAX_KEY_BYTES + " bytes";
          case KEY_TWICE -> "the key " + told + " twice";
        };
    return DataFault.invalid(
        where,
        "the fixed layout of a CIFAR-10 batch",
        got + " at byte " + position(),
        "download the official archive again");
  }
}
