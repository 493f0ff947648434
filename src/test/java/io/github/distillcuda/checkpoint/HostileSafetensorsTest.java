package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the format forbids, what we forbid beyond it, and what must stay accepted. */
class HostileSafetensorsTest {
  private static final String W = "{'dtype':'F32','shape':[2,3],'data_offsets':[0,24]}";

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @MethodSource({"files", "headers", "tensors"})
  void isRefused(String what, byte[] content, String reason) throws IOException {
    Refusal.check(folder, content, reason);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'w':%s}",
        " \t\r\n{'w':%s}",
        "{'w':%s}   \n ",
        "{'__metadata__':{},'w':%s}",
        "{'w':%s,'__metadata__':{'a':'\\u0000 b','format':'pt'}}",
        "{'e':{'dtype':'F64','shape':[0,7],'data_offsets':[24,24]},'w':%s}",
        "{'w':%s,'e':{'dtype':'F16','shape':[3,0],'data_offsets':[0,0]}}",
      })
  void isAccepted(String header) throws IOException {
    Path file = Files.write(folder.resolve("valid"), file(header.formatted(W), 24));
    assertThat(ModelFiles.read(file))
        .filteredOn(array -> array.name().equals("w"))
        .singleElement()
        .satisfies(array -> assertThat(array.values()).containsExactly(0, 1, 2, 3, 4, 5));
  }

  /** What is refused has cost no more than its own size, even if that is large. */
  @Test
  void isRefusedAtItsOwnSize() throws IOException {
    Path file = folder.resolve("large");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(ForgedZip.valid().bytes());
      sparse.setLength(200 << 20);
    }
    assertThat(Refusal.read(file, 200 << 20)).hasMessageContaining("truncated");
  }

  static Stream<Arguments> files() {
    byte[] valid = file("{'w':" + W + "}", 24);
    return Stream.of(
        of("nothing", new byte[0], "has 0 bytes"),
        of("seven bytes", new byte[7], "has 7 bytes"),
        of("header longer than the file", lengthOf(valid, valid.length - 7), "the header claims"),
        of("header of 2^63 bytes", lengthOf(valid, Long.MIN_VALUE), "claims 9223372036854775808"),
        of("header of 2^64-1 bytes", lengthOf(valid, -1), "claims 18446744073709551615 bytes"),
        of("header of 2^32 bytes", lengthOf(valid, 1L << 32), "claims 4294967296 bytes"),
        of("header of 9 MiB", lengthOf(new byte[10 << 20], 9 << 20), "more than 8388608"),
        of("header of spaces", file(" ".repeat(8 << 20), 0), "does not begin with '{'"),
        of("name of 7 MiB", file("{'" + "w".repeat(7 << 20) + "':0}", 0), "www... as an object"),
        of("name of 2 Mi wide letters", file("{'" + "\u4e2d".repeat(2 << 20) + "':0}", 0), "as an"),
        of("no header", file("", 0), "does not begin with '{'"),
        of("a byte short", Arrays.copyOf(valid, valid.length - 1), "the file has 23 for them"),
        of("a byte too long", Arrays.copyOf(valid, valid.length + 1), "the file has 25 for them"),
        of("only the header", Arrays.copyOf(valid, valid.length - 24), "has 0 for them"),
        of("html", "<!DOCTYPE html><html>".getBytes(StandardCharsets.UTF_8), "not safetensors"),
        of("bare pickle", pickle(), "looks like a bare pickle"),
        of("tar", tar(), "tar file"));
  }

  static Stream<Arguments> headers() {
    return Stream.of(
        header("byte-order mark", "\ufeff{'w':" + W + "}", "does not begin with '{'"),
        header("array", "[]", "does not begin with '{'"),
        header("unfinished", "{'w':" + W, "not valid JSON"),
        header("unquoted", "{w:" + W + "}", "not valid JSON"),
        header("comment", "{/* */'w':" + W + "}", "not valid JSON"),
        header("comma at the end", "{'w':" + W + ",}", "not valid JSON"),
        header("two objects", "{'w':" + W + "}{}", "not valid JSON"),
        header("zeros behind", "{'w':" + W + "}\0\0", "not valid JSON"),
        header("raw line break in a name", "{'a\nb':" + W + "}", "not valid JSON"),
        header("lone surrogate", "{'\\ud800':" + W + "}", "not valid JSON"),
        header("wrong escape", "{'\\x41':" + W + "}", "not valid JSON"),
        header("name twice", "{'w':" + W + ",'w':" + W + "}", "the key w twice"),
        header("name twice, escaped", "{'w':" + W + ",'\\u0077':" + W + "}", "the key w twice"),
        header("control in a name", "{'\\u001b[31m':0}", "\\u{00001b}[31m as an object"),
        header("metadata twice", "{'__metadata__':{},'__metadata__':{}}", "twice"),
        header("metadata key twice", "{'__metadata__':{'a':'','a':''}}", "the key a twice"),
        header("metadata number", "{'__metadata__':{'a':1}}", "__metadata__.a as a string"),
        header("metadata null", "{'__metadata__':null}", "__metadata__ as an object"),
        header("metadata list", "{'__metadata__':[]}", "__metadata__ as an object"),
        header("deep", "{'__metadata__':" + "[".repeat(100_000), "__metadata__ as an object"),
        header("4,097 tensors", manyTensors(), "more than 4096 tensors"),
        Arguments.of("not UTF-8", latin1("{'\u00e4':" + W + "}"), "not UTF-8"),
        Arguments.of("half a character", latin1("{}\u00e2\u0082"), "not UTF-8"));
  }

  static Stream<Arguments> tensors() {
    return Stream.of(
        tensor("text", "'F32'", "w as an object"),
        tensor("empty", "{}", "lacks dtype"),
        tensor("no dtype", "{'shape':[6],'data_offsets':[0,24]}", "lacks dtype"),
        tensor("no shape", "{'dtype':'F32','data_offsets':[0,24]}", "lacks dtype"),
        tensor("no offsets", "{'dtype':'F32','shape':[6]}", "lacks dtype"),
        tensor("key twice", "{'dtype':'F32','dtype':'F32'}", "the key dtype twice"),
        tensor("other key", "{'layout':'strided'}", "does not know"),
        tensor("dtype null", "{'dtype':null}", "w.dtype as a string"),
        tensor("dtype I64", "{'dtype':'I64'}", "has dtype I64; only"),
        tensor("dtype F4", "{'dtype':'F4'}", "has dtype F4; only"),
        tensor("dtype f32", "{'dtype':'f32'}", "has dtype f32; only"),
        tensor("shape text", "{'shape':'6'}", "w.shape as an array"),
        tensor("shape of text", "{'shape':['6']}", "w.shape with numbers only"),
        tensor("shape of lists", "{'shape':[[6]]}", "w.shape with numbers only"),
        tensor("shape 6.0", "{'shape':[6.0]}", "6.0, not a plain non-negative integer"),
        tensor("shape 6e0", "{'shape':[6e0]}", "6e0, not a plain non-negative integer"),
        tensor("shape 06", "{'shape':[06]}", "not valid JSON"),
        tensor("shape -0", "{'shape':[-0]}", "-0, not a plain non-negative integer"),
        tensor("shape -6", "{'shape':[-6]}", "-6, not a plain non-negative integer"),
        tensor("shape NaN", "{'shape':[NaN]}", "not valid JSON"),
        tensor("shape 2^63", "{'shape':[9223372036854775808]}", "not a plain"),
        tensor("nine axes", "{'shape':[1,1,1,1,1,1,1,1,1]}", "more than 8 numbers"),
        shaped("2^32 wraps to 0", "[65536,65536]", "impossible shape"),
        shaped("2^64 wraps to 0", "[4294967296,4294967296]", "impossible shape"),
        shaped("2^31", "[2147483648]", "impossible shape"),
        shaped("seven", "[7]", "has 24 bytes, but shape [7] takes 28"),
        shaped("scalar", "[]", "has 24 bytes, but shape [] takes 4"),
        shaped("none", "[6,0]", "has 24 bytes, but shape [6, 0] takes 0"),
        offsets("one offset", "[24]", "lacks dtype"),
        offsets("three offsets", "[0,24,24]", "lacks dtype"),
        offsets("backwards", "[24,0]", "begins at byte 24"),
        offsets("end before begin", "[0,0]", "has 0 bytes"),
        offsets("not from 0", "[4,28]", "begins at byte 4 of the data, expected 0"),
        offsets("past the file", "[0,4294967320]", "has 4294967320 bytes"),
        two("hole", "[0,12]", "[16,28]", "v begins at byte 16 of the data, expected 12"),
        two("overlap", "[0,12]", "[8,20]", "v begins at byte 8 of the data, expected 12"),
        two("shared", "[0,12]", "[0,12]", "begins at byte 0 of the data, expected 12"),
        two("both short", "[0,12]", "[12,20]", "v has 8 bytes, but shape [3] takes 12"));
  }

  private static Arguments tensor(String what, String description, String reason) {
    return header(what, "{'w':" + description + "}", reason);
  }

  private static Arguments shaped(String what, String shape, String reason) {
    return tensor(what, "{'dtype':'F32','shape':" + shape + ",'data_offsets':[0,24]}", reason);
  }

  private static Arguments offsets(String what, String offsets, String reason) {
    return tensor(what, "{'dtype':'F32','shape':[6],'data_offsets':" + offsets + "}", reason);
  }

  private static Arguments two(String what, String first, String second, String reason) {
    String tensor = "{'dtype':'F32','shape':[3],'data_offsets':%s}";
    return header(
        what, "{'w':" + tensor.formatted(first) + ",'v':" + tensor.formatted(second) + "}", reason);
  }

  private static Arguments header(String what, String header, String reason) {
    return Arguments.of(what, file(header, 24), reason);
  }

  private static Arguments of(String what, byte[] content, String reason) {
    return Arguments.of(what, content, reason);
  }

  /** A file with the floats 0, 1, 2, ... behind a header, in which ' stands for ". */
  private static byte[] file(String header, int dataBytes) {
    return file(header.replace('\'', '"').getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private static byte[] latin1(String header) {
    return file(header.replace('\'', '"').getBytes(StandardCharsets.ISO_8859_1), 24);
  }

  private static byte[] file(byte[] header, int dataBytes) {
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    for (int i = 0; i < dataBytes / 4; i++) {
      file.putFloat(i);
    }
    return file.array();
  }

  private static byte[] lengthOf(byte[] file, long claimed) {
    byte[] changed = file.clone();
    ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(claimed);
    return changed;
  }

  private static String manyTensors() {
    return IntStream.rangeClosed(0, 4096)
        .mapToObj(i -> "'" + i + "':{'dtype':'F32','shape':[0],'data_offsets':[0,0]}")
        .collect(Collectors.joining(",", "{", "}"));
  }

  private static byte[] pickle() {
    return Arrays.copyOf(ForgedPickle.begin().raw('}', '.').bytes(), 20);
  }

  private static byte[] tar() {
    byte[] tar = new byte[512];
    System.arraycopy(ForgedZip.ascii("ustar"), 0, tar, 257, 5);
    return tar;
  }
}
