package io.github.distillcuda.checkpoint;

import io.github.distillcuda.checkpoint.StateDictValue.OrderedDictionary;
import io.github.distillcuda.checkpoint.StateDictValue.Storage;
import io.github.distillcuda.checkpoint.StateDictValue.TensorView;
import io.github.distillcuda.checkpoint.StateDictValue.Text;
import io.github.distillcuda.checkpoint.StateDictValue.Unread;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.pickle.PickleFault;
import io.github.distillcuda.pickle.PickleReader;
import io.github.distillcuda.pickle.PickleValue;
import io.github.distillcuda.pickle.PickleValue.Constant;
import io.github.distillcuda.pickle.PickleValue.Dictionary;
import io.github.distillcuda.pickle.PickleValue.Sequence;
import io.github.distillcuda.pickle.PickleValue.Whole;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads a pickle as far as {@code torch.save} needs it for state dicts, by 31 opcodes. */
final class StateDictPickleReader extends PickleReader<InvalidFileException> {
  /** About 30 a tensor are needed; bounds the memory that a hostile file can claim. */
  private static final int MAX_OPCODES = 300_000;

  private static final int MAX_BYTES = 8 << 20;

  StateDictPickleReader(ByteBuffer pickle) throws InvalidFileException {
    super(pickle, MAX_OPCODES);
    if (pickle.remaining() > MAX_BYTES) {
      throw new InvalidFileException("its pickle has more than " + MAX_BYTES + " bytes");
    }
  }

  @Override
  protected PickleValue load(int opcode) throws InvalidFileException {
    return switch (opcode) {
      case 'X' -> text(bytes(int32())); // BINUNICODE
      case 0x8a -> longInteger(bytes(unsignedByte())); // LONG1
      case 'G' -> { // BINFLOAT
        bytes(Double.BYTES);
        yield Unread.VALUE;
      }
      case 'Q' -> storage(pop()); // BINPERSID
      default -> null;
    };
  }

  private static Text text(ByteBuffer bytes) throws InvalidFileException {
    try {
      return new Text(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
    } catch (CharacterCodingException e) {
      throw new InvalidFileException("its pickle has text that is not UTF-8", e);
    }
  }

  private static PickleValue longInteger(ByteBuffer bytes) {
    int length = bytes.limit();
    if (length > Long.BYTES) {
      return Unread.VALUE;
    }
    long value = length > 0 && bytes.get(length - 1) < 0 ? -1 : 0;
    for (int i = length - 1; i >= 0; i--) {
      value = value << 8 | Byte.toUnsignedInt(bytes.get(i));
    }
    return new Whole(value);
  }

  @Override
  protected PickleValue named(String module, String name) {
    return switch (module + " " + name) {
      case "collections OrderedDict" -> PickleName.ORDERED_DICT;
      case "torch._utils _rebuild_tensor_v2" -> PickleName.REBUILD_TENSOR;
      case "torch._utils _rebuild_parameter" -> PickleName.REBUILD_PARAMETER;
      case "torch FloatStorage" -> PickleName.FLOAT_STORAGE;
      case "torch DoubleStorage" -> PickleName.DOUBLE_STORAGE;
      case "torch HalfStorage" -> PickleName.HALF_STORAGE;
      case "torch BFloat16Storage" -> PickleName.BFLOAT16_STORAGE;
      case "torch LongStorage",
          "torch IntStorage",
          "torch ShortStorage",
          "torch CharStorage",
          "torch ByteStorage",
          "torch BoolStorage" ->
          PickleName.OTHER_STORAGE;
      default -> null;
    };
  }

  @Override
  protected PickleValue call(PickleValue callable, List<PickleValue> arguments)
      throws InvalidFileException {
    if (callable == PickleName.ORDERED_DICT && arguments.isEmpty()) {
      return new OrderedDictionary();
    }
    if (callable == PickleName.REBUILD_TENSOR) {
      return tensor(arguments);
    }
    boolean parameter = callable == PickleName.REBUILD_PARAMETER && arguments.size() == 3;
    return parameter && arguments.getFirst() instanceof TensorView tensor ? tensor : null;
  }

  /** {@code (storage, offset, size, stride, requires_grad, hooks[, metadata])}. */
  private static TensorView tensor(List<PickleValue> items) throws InvalidFileException {
    // Metadata may say that the tensor is the negative of what is stored: it must be absent.
    boolean known = items.size() == 6 || (items.size() == 7 && isEmpty(items.get(6)));
    if (known
        && items.get(0) instanceof Storage storage
        && items.get(1) instanceof Whole(long offset)
        && items.get(2) instanceof Sequence extents
        && items.get(3) instanceof Sequence strides
        && extents.items().size() == strides.items().size()) {
      return new TensorView(storage, offset, wholes(extents), wholes(strides));
    }
    throw new InvalidFileException("its pickle has a tensor in a form that is not read");
  }

  private static boolean isEmpty(PickleValue metadata) {
    return metadata == Constant.NONE
        || metadata instanceof Dictionary dictionary && dictionary.entries().isEmpty();
  }

  private static List<Long> wholes(Sequence sequence) throws InvalidFileException {
    if (sequence.items().size() > TensorHeader.MAX_RANK) {
      throw new InvalidFileException(
          "its pickle has a tensor of more than " + TensorHeader.MAX_RANK + " axes");
    }
    List<Long> wholes = new ArrayList<>();
    for (PickleValue item : sequence.items()) {
      if (!(item instanceof Whole(long value))) {
        throw new InvalidFileException("its pickle has a shape or stride that is not an integer");
      }
      wholes.add(value);
    }
    return wholes;
  }

  /** What a persistent id {@code ('storage', type, key, location, elements)} refers to. */
  private static Storage storage(PickleValue id) throws InvalidFileException {
    if (id instanceof Sequence(List<PickleValue> items, boolean isList)
        && !isList
        && items.size() == 5
        && items.get(0) instanceof Text(String kind)
        && kind.equals("storage")
        && items.get(1) instanceof PickleName type
        && type.isStorage()
        && items.get(2) instanceof Text(String key)
        && items.get(3) instanceof Text
        && items.get(4) instanceof Whole(long elements)) {
      return new Storage(type, key, elements);
    }
    throw new InvalidFileException("its pickle refers to data in a form that is not read");
  }

  /** Attributes of an ordered dictionary: PyTorch's {@code _metadata}, of which nothing is used. */
  @Override
  protected boolean build(PickleValue target, PickleValue state) {
    return target instanceof OrderedDictionary && state instanceof Dictionary;
  }

  @Override
  protected Object key(PickleValue value) {
    return switch (value) {
      case Text(String text) -> text;
      case Whole(long number) -> number;
      default -> null;
    };
  }

  @Override
  protected InvalidFileException refusal(PickleFault fault, Object told) {
    return new InvalidFileException(
        switch (fault) {
          case PROTOCOL -> "its pickle is not of protocol 2; save it with torch.save's default";
          case OPCODE ->
              "its pickle has the instruction 0x%02x at %d, which no state dict needs"
                  .formatted(told, position() - 1);
          case CUT_OFF -> "its pickle ends in the middle of an instruction";
          case OPCODES -> "its pickle has more than " + told + " instructions";
          case UNFINISHED, TRAILING -> "its pickle has something left over at its end";
          case OPERANDS -> "its pickle takes more from the stack than is there";
          case MARK -> "its pickle ends a group that it did not begin";
          case DEPTH -> "its pickle is nested deeper than " + told;
          case MEMO -> "its pickle recalls a value that it did not store";
          case NAME_LENGTH -> "its pickle has a name of more than " + told + " bytes";
          case NAME ->
              "it names %s, which no state dict needs; save model.state_dict() alone"
                  .formatted(Printable.name((String) told));
          case CALL -> "its pickle makes a call that no state dict needs";
          case STATE -> "its pickle sets attributes of something that has none";
          case NO_LIST -> "its pickle appends to something that is not a list";
          case NO_DICTIONARY -> "its pickle sets items of something that is not a dictionary";
          case KEY -> "its pickle has a key that is neither text nor an integer";
          case KEY_TWICE ->
              "its pickle has the key %s twice in a dictionary"
                  .formatted(Printable.name(told.toString()));
        });
  }
}
