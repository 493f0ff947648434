package io.github.distillcuda.checkpoint;

import static io.github.distillcuda.checkpoint.ForgedPickle.begin;
import static io.github.distillcuda.checkpoint.ForgedPickle.dictOfW;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Pickles in sound archives: what would run code, what lies about tensors, what is malformed. */
class HostilePickleTest {
  private static final long[] SHAPE = {2, 3};
  private static final long[] STRIDES = {3, 1};
  private static final long HUGE = Long.MAX_VALUE;

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @MethodSource({"names", "instructions", "machine", "structure", "tensors", "storages"})
  void isRefused(String what, byte[] pickle, String reason) throws IOException {
    Refusal.check(folder, ForgedZip.pth(pickle).bytes(), reason);
  }

  static Stream<Arguments> names() {
    return Stream.of(
        call("os", "system", "it names os.system"),
        call("posix", "system", "it names posix.system"),
        call("builtins", "eval", "it names builtins.eval"),
        call("builtins", "getattr", "it names builtins.getattr"),
        call("torch.hub", "load", "it names torch.hub.load"),
        call("torch", "load", "it names torch.load"),
        call("collections", "OrderedDict.clear", "it names collections.OrderedDict.clear"),
        call("java.lang.Runtime", "exec", "it names java.lang.Runtime.exec"),
        call("a\u001b[31m", "b", "it names a\\u{00001b}[31m.b"),
        call("x".repeat(300), "y", "a name of more than 256 bytes"),
        call("torch", "FloatStorage", "makes a call that no state dict needs"),
        of("unfinished", begin().raw('c', 'o', 's'), "in the middle of an instruction"));
  }

  static Stream<Arguments> instructions() {
    // Everything of pickle that imports, instantiates or refers to the outside, and odd strings.
    return IntStream.of(
            'i', 'o', 'P', 0x81, 0x82, 0x83, 0x84, 0x92, 0x93, 0x97, 'S', 'T', 'U', 'V', 'B', 'C',
            0x8c, 0x8d, 0x8e, 0x94, 0x95, '2', '0', '1', 'I', 'L', 'F', 'g', 'p', 'd', 'l', 0x8f,
            0x80, 0x8b, 0xff)
        .mapToObj(
            code ->
                of(
                    "instruction " + Integer.toHexString(code),
                    begin().global("collections", "OrderedDict").raw(')', code, 1, '\n', '.'),
                    "has the instruction 0x" + Integer.toHexString(code)));
  }

  static Stream<Arguments> machine() {
    return Stream.of(
        of("nothing", new ForgedPickle(), "in the middle of an instruction"),
        of("protocol 0", new ForgedPickle().raw('}', '.'), "not of protocol 2"),
        of("protocol 3", new ForgedPickle().raw(0x80, 3, '}', '.'), "not of protocol 2"),
        of("no end", begin().raw('}'), "in the middle of an instruction"),
        of("bytes behind the end", begin().raw('}', '.', 0), "something left over"),
        of("empty stack at the end", begin().raw('.'), "something left over"),
        of("two values at the end", begin().raw('}', '}', '.'), "something left over"),
        of("open group at the end", begin().raw('}', '(', '.'), "something left over"),
        of("call of nothing", begin().raw('R', '.'), "takes more from the stack"),
        of("tuple of nothing", begin().raw(0x87, '.'), "takes more from the stack"),
        of("below the mark", begin().raw('}', '}', '(', 0x85, '.'), "takes more from the stack"),
        of("store nothing", begin().raw('q', 0, '.'), "takes more from the stack"),
        of("no group", begin().raw('}', 't', '.'), "ends a group that it did not begin"),
        of("recall", begin().raw('h', 7, '.'), "recalls a value that it did not store"),
        of("recall far", begin().raw('j').int32(-1).raw('.'), "recalls a value"),
        of("100,000 groups", begin().repeat(100_000, '(').raw('.'), "nested deeper than 64"),
        of("a million values", begin().repeat(1_000_000, 'N').raw('.'), "300000 instructions"),
        of("many tuples", begin().raw(')').repeat(400_000, 0x85).raw('.'), "300000 instructions"),
        of("many dicts", begin().repeat(400_000, '}').raw('.'), "300000 instructions"),
        of("filled dicts", begin().repeat(90_000, '}', 'K', 1, 'N', 's'), "300000 instructions"),
        of("9 MiB", begin().raw(new byte[9 << 20]), "more than 8388608 bytes"),
        of("text of 2 GiB", begin().raw('X').int32(Integer.MAX_VALUE), "in the middle"),
        of("text of less than 0", begin().raw('X').int32(-1).raw('.'), "in the middle"),
        of("text not UTF-8", begin().raw('X').int32(1).raw(0xff, '.'), "not UTF-8"),
        of("integer cut off", begin().raw('J', 1, 2), "in the middle"),
        of("long integer cut off", begin().raw(0x8a, 200, 2), "in the middle"));
  }

  static Stream<Arguments> structure() {
    return Stream.of(
        of("root is text", begin().text("w").raw('.'), "holds no state dict"),
        of("root is a tensor", begin().tensor(0, SHAPE, STRIDES).raw('.'), "no state dict"),
        of("4,097 entries", manyEntries(), "more than 4096 tensors"),
        of("entry is text", dictOfW().text("x").raw('u', '.'), "its entry w is not a tensor"),
        of("entry is a dict", dictOfW().raw('}', 'u', '.'), "its entry w is not a tensor"),
        of("key is a number", begin().raw('}', 'K', 5, '}', 's', '.'), "entry 5 is not a tensor"),
        of("key is none", begin().raw('}', 'N', 'N', 's', '.'), "neither text nor an integer"),
        of("key is a tuple", begin().raw('}', ')', 'N', 's', '.'), "neither text nor an integer"),
        of(
            "key twice",
            dictOfW().raw('N').text("w").raw('N', 'u', '.'),
            "the key w twice in a dictionary"),
        of("odd items", begin().raw('}', '(', 'N', 'u', '.'), "sets items of something"),
        of("items of a list", begin().raw(']', 'N', 'N', 's', '.'), "sets items of something"),
        of("append to a tuple", begin().raw(')', 'N', 'a', '.'), "appends to something"),
        of("append to a dict", begin().raw('}', '(', 'N', 'e', '.'), "appends to something"),
        of("attributes of a dict", begin().raw('}', '}', 'b', '.'), "sets attributes"),
        of("attributes of a list", begin().raw(']', '}', 'b', '.'), "sets attributes"),
        of("attributes as text", begin().orderedDict().text("x").raw('b', '.'), "attributes"),
        of(
            "call of a tensor",
            begin().tensor(0, SHAPE, STRIDES).raw(')', 'R', '.'),
            "makes a call"),
        of("call of text", begin().text("os.system").raw(')', 'R', '.'), "makes a call"),
        of(
            "call with a list",
            begin().global("collections", "OrderedDict").raw(']', 'R', '.'),
            "makes a call"),
        of(
            "ordered dict of pairs",
            begin().global("collections", "OrderedDict").raw(']', 0x85, 'R', '.'),
            "makes a call"),
        of(
            "parameter of text",
            dictOfW()
                .global("torch._utils", "_rebuild_parameter")
                .text("x")
                .raw('N', 'N', 0x87, 'R'),
            "makes a call"),
        of(
            "nested and not of tensors",
            begin().raw('}').text("state_dict").raw('}').text("a").raw('N', 's', 's', '.'),
            "its entry a is not a tensor"));
  }

  static Stream<Arguments> tensors() {
    return Stream.of(
        view("offset -16", -16, SHAPE, STRIDES, "leaves its storage"),
        view("offset 1", 1, SHAPE, STRIDES, "leaves its storage"),
        view("offset huge", HUGE, SHAPE, STRIDES, "leaves its storage"),
        view("offset least", Long.MIN_VALUE, SHAPE, STRIDES, "leaves its storage"),
        view("shape too large", 0, new long[] {2, 4}, new long[] {4, 1}, "leaves its storage"),
        view("shape 2^31", 0, new long[] {1L << 31}, new long[] {1}, "impossible shape"),
        view("shape 2^62", 0, new long[] {1L << 31, 1L << 31}, STRIDES, "impossible shape"),
        view("shape wraps to 6", 0, new long[] {1L << 32 | 2, 3}, STRIDES, "impossible shape"),
        view("shape -2", 0, new long[] {-2, -3}, STRIDES, "impossible shape"),
        view("strides 0", 0, SHAPE, new long[] {0, 0}, "neither contiguous nor transposed"),
        view("strides overlap", 0, SHAPE, new long[] {1, 1}, "neither contiguous"),
        view("strides with holes", 0, new long[] {2, 2}, new long[] {3, 1}, "neither"),
        view("strides -1", 0, SHAPE, new long[] {-3, -1}, "neither contiguous"),
        view("strides huge", 0, SHAPE, new long[] {HUGE, 1}, "neither contiguous"),
        view("strides wrap", 0, SHAPE, new long[] {1L << 32 | 3, 1}, "neither contiguous"),
        view("fewer strides", 0, SHAPE, new long[] {1}, "form that is not read"),
        view("nine axes", 0, new long[9], new long[9], "more than 8 axes"),
        of("negated", negated(), "form that is not read"),
        of("shape of text", textShape(), "not an integer"),
        of("one storage nine times", manyViews(), "together are larger than the file"));
  }

  static Stream<Arguments> storages() {
    return Stream.of(
        stored("more elements", "FloatStorage", "0", 7, "needs a storage of 7 elements"),
        stored("2^31-1 elements", "FloatStorage", "0", Integer.MAX_VALUE, "needs a storage of"),
        stored("2^62+6 elements", "FloatStorage", "0", (1L << 62) + 6, "needs a storage of"),
        stored("-6 elements", "FloatStorage", "0", -6, "needs a storage of -6"),
        stored("double", "DoubleStorage", "0", 6, "6 elements of 8 bytes"),
        stored("integers", "LongStorage", "0", 6, "w holds integers"),
        stored("unknown type", "ComplexFloatStorage", "0", 6, "it names torch.ComplexFloatStorage"),
        stored("absent", "FloatStorage", "7", 6, "no entry m/data/7"),
        stored("path", "FloatStorage", "../data.pkl", 6, "not to a number"),
        stored("padded number", "FloatStorage", "00", 6, "not to a number"),
        stored("no number", "FloatStorage", "", 6, "refers to storage ''"),
        of("two types", twoTypes(), "describes storage 0 in two ways"),
        of("id is text", begin().text("0").raw('Q', '.'), "refers to data"),
        of("id is short", begin().text("storage").raw(0x85, 'Q', '.'), "refers to data"),
        of("id of a module", id("module", "FloatStorage"), "refers to data"),
        of("id of a dictionary", id("storage", null), "refers to data"));
  }

  @Test
  void isNotRefusedWithoutAFault() throws IOException {
    assertLoads(new long[] {3, 2}, new long[] {1, 3}, 0, 3, 1, 4, 2, 5);
    // An axis that is never stepped along may have any stride.
    assertLoads(new long[] {1, 2, 1, 3, 1}, new long[] {77, 3, 0, 1, -5}, 0, 1, 2, 3, 4, 5);
  }

  private void assertLoads(long[] shape, long[] strides, float... values) throws IOException {
    byte[] pickle = dictOfW().tensor(0, shape, strides).endDict();
    Path file = Files.write(folder.resolve("valid"), ForgedZip.pth(pickle).bytes());
    assertThat(ModelFiles.read(file).getFirst().values()).containsExactly(values);
  }

  /** Thirty lists, each twice in the next: 2^30 values, and then one in itself: no end at all. */
  @Test
  void neverWalksWhatItDoesNotNeed() throws IOException {
    ForgedPickle pickle = begin().raw('}', '(').text("laughs").raw('(', ']', 'q', 0);
    for (int level = 1; level < 30; level++) {
      pickle.raw(']', '(', 'h', level - 1, 'h', level - 1, 'e', 'q', level);
    }
    pickle.raw('t').text("endless").raw(']', 'q', 99, 'h', 99, 'a');
    pickle.text("state_dict").raw('}').text("w").tensor(0, SHAPE, STRIDES).raw('s', 'u', '.');
    Path file = Files.write(folder.resolve("laughs"), ForgedZip.pth(pickle.bytes()).bytes());
    assertThat(Refusal.read(file, Files.size(file))).isNull();
    assertThat(ModelFiles.read(file)).hasSize(1);
  }

  private static ForgedPickle id(String kind, String type) {
    ForgedPickle id = begin().raw('(').text(kind);
    if (type == null) {
      id.global("collections", "OrderedDict");
    } else {
      id.global("torch", type);
    }
    return id.text("0").text("cpu").raw('K', 6, 't', 'Q', '.');
  }

  private static ForgedPickle negated() {
    return dictOfW()
        .global("torch._utils", "_rebuild_tensor_v2")
        .raw('(')
        .storage("FloatStorage", "0", 6)
        .integer(0)
        .tuple(SHAPE)
        .tuple(STRIDES)
        .raw('N', '}', '}')
        .text("neg")
        .raw(0x88, 's', 't', 'R', 'u', '.');
  }

  private static ForgedPickle textShape() {
    return dictOfW()
        .global("torch._utils", "_rebuild_tensor_v2")
        .raw('(')
        .storage("FloatStorage", "0", 6)
        .integer(0)
        .text("2")
        .raw(0x85)
        .tuple(1)
        .raw('N', '}', 't', 'R', 'u', '.');
  }

  /** Each view is honest; all of them make the file a hundred times as large in memory. */
  private static ForgedPickle manyViews() {
    ForgedPickle pickle = begin().raw('}', '(').text("w0").tensor(0, SHAPE, STRIDES).raw('q', 0);
    for (int i = 1; i < 200; i++) {
      pickle.text("w" + i).raw('h', 0);
    }
    return pickle.raw('u', '.');
  }

  private static ForgedPickle manyEntries() {
    ForgedPickle pickle = begin().raw('}', '(').text("w").tensor(0, SHAPE, STRIDES).raw('q', 0);
    for (int i = 0; i < 4096; i++) {
      pickle.raw('J').int32(i).raw('h', 0);
    }
    return pickle.raw('u', '.');
  }

  private static ForgedPickle twoTypes() {
    return dictOfW()
        .tensor(0, SHAPE, STRIDES)
        .text("x")
        .tensor("DoubleStorage", "0", 3, 0, new long[] {3}, new long[] {1})
        .raw('u', '.');
  }

  private static Arguments call(String module, String name, String reason) {
    return of(
        module.replaceAll("\\p{Cntrl}", "?") + "." + name,
        begin().global(module, name).text("touch /tmp/pwned").raw(0x85, 'R', '.'),
        reason);
  }

  private static Arguments view(
      String what, long offset, long[] shape, long[] strides, String reason) {
    return of(what, dictOfW().tensor(offset, shape, strides).raw('u', '.'), reason);
  }

  private static Arguments stored(
      String what, String type, String key, long elements, String reason) {
    return of(what, dictOfW().tensor(type, key, elements, 0, SHAPE, STRIDES).raw('u', '.'), reason);
  }

  private static Arguments of(String what, ForgedPickle pickle, String reason) {
    return Arguments.of(what, pickle.bytes(), reason);
  }
}
