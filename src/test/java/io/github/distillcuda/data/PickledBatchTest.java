package io.github.distillcuda.data;

import static io.github.distillcuda.data.BinaryLayoutTest.assertFault;
import static io.github.distillcuda.data.SmallCifar10.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PickledBatchTest {
  private final SmallCifar10 small = new SmallCifar10(2);

  @TempDir Path temp;

  private static LabelledImages read(byte[] file, int records) throws IOException {
    LabelledImages set = LabelledImages.ofSize(records);
    new PickledBatch(records)
        .read(new ByteArrayInputStream(file), file.length, "data_batch_1", set, 0);
    return set;
  }

  private static void assertRefused(byte[] file, String... words) {
    assertThatThrownBy(() -> read(file, 4))
        .satisfies(
            e -> {
              assertFault(e, words);
              assertThat(e).message().startsWith("data_batch_1");
            });
  }

  /** Replaces the first occurrence of a stretch of opcodes by another. */
  private static byte[] replace(byte[] file, byte[] from, byte[] to) {
    String text = new String(file, StandardCharsets.ISO_8859_1);
    String old = new String(from, StandardCharsets.ISO_8859_1);
    assertThat(text).contains(old);
    int at = text.indexOf(old);
    String changed =
        text.substring(0, at)
            + new String(to, StandardCharsets.ISO_8859_1)
            + text.substring(at + old.length());
    return changed.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] replace(byte[] file, String from, String to) {
    return replace(
        file, from.getBytes(StandardCharsets.ISO_8859_1), to.getBytes(StandardCharsets.ISO_8859_1));
  }

  private byte[] valid() {
    return SmallCifar10.pickle(small.labels[0], small.pixels[0]);
  }

  /** The fixture is from Python 2.7's own cPickle: src/test/python/make_python2_batch.py. */
  @Test
  void readsWhatPython2Writes() throws IOException {
    byte[] file;
    try (InputStream in = PickledBatchTest.class.getResourceAsStream("python2_batch.pkl")) {
      file = in.readAllBytes();
    }
    LabelledImages set = read(file, 4);
    byte[] images = bytes(set.images());
    for (int record = 0; record < 4; record++) {
      assertThat(set.labels()[record]).isEqualTo((byte) ((3 * record + 6) % 10));
      for (int i = 0; i < 3072; i++) {
        assertThat(images[record * 3072 + i]).isEqualTo((byte) (7 * record + i));
      }
    }
  }

  @Test
  void readsAFolderOfBatches() throws IOException {
    SmallCifar10.write(temp.resolve("cifar-10-batches-py"), small.pythonFiles());
    ImageDataset set = new Cifar10Reader(small.release()).read(Cifar10Location.at(temp));
    assertThat(set.trainLabels()).isEqualTo(small.trainLabels());
    assertThat(bytes(set.trainImages())).isEqualTo(small.trainImages());
    assertThat(set.testLabels()).isEqualTo(small.labels[5]);
    assertThat(bytes(set.testImages())).isEqualTo(small.pixels[5]);
  }

  @Test
  void folderIsOfficialByTheChecksumOfEveryFile() throws IOException {
    SmallCifar10.write(temp, small.pythonFiles());
    Cifar10Reader reader = new Cifar10Reader(small.release());
    assertThat(reader.read(Cifar10Location.at(temp)).name()).isEqualTo("cifar10");
    Path file = temp.resolve("test_batch");
    byte[] bytes = Files.readAllBytes(file);
    bytes[5000] ^= 1; // a pixel
    Files.write(file, bytes);
    assertThat(reader.read(Cifar10Location.at(temp)).name())
        .isEqualTo("cifar10 (unofficial files)");
  }

  @Test
  void namesAreRefusedAndNeverLookedUp() {
    for (String name :
        new String[] {"os\nsystem", "builtins\neval", "numpy\nload", "numpy\nndarra"}) {
      byte[] file = replace(valid(), "numpy\nndarray", name);
      assertRefused(file, "got the name " + name.replace('\n', '.'));
    }
    String proof = "io.github.distillcuda.data.SyntheticDataset";
    assertRefused(replace(valid(), "numpy\ndtype", proof + "\nNAME"), "the name " + proof);
  }

  @Test
  void otherConstructionsAreRefused() {
    assertRefused(replace(valid(), "U\2u1", "U\2f4"), "other than an array of unsigned bytes");
    byte[] twice = replace(valid(), "numpy\nndarray", "numpy\ndtype");
    assertRefused(twice, "other than an array of unsigned bytes");
    byte[] dtypeCalledFirst =
        new SmallCifar10.Pickle()
            .raw(0x80, 2)
            .ascii("cnumpy\nndarray\n")
            .raw(')', 'R', '.')
            .bytes();
    assertRefused(padded(dtypeCalledFirst), "other than an array of unsigned bytes");
    byte[] calledWithAList =
        new SmallCifar10.Pickle()
            .raw(0x80, 2)
            .ascii("cnumpy\ndtype\n")
            .raw(']', '(')
            .text("u1")
            .raw('K', 0, 'K', 1, 'e', 'R', '.')
            .bytes();
    assertRefused(padded(calledWithAList), "other than an array of unsigned bytes");
    byte[] filledTwice = replace(valid(), "tbU\6labels", "tbK\1\205bU\6labels");
    assertRefused(filledTwice, "a state for something that has none");
  }

  /** Python 2 writes none of these for a batch: instances, classes, 3.x strings, frames. */
  @Test
  void otherOpcodesAreRefused() {
    for (int opcode :
        new int[] {
          'i', 'o', 0x81, 0x92, 0x93, 0x82, 'P', 'Q', 'F', 'G', 'I', 'S', 'V', 0x8C, 0x95, 'B', 'C',
          0x8A, 0x8B, 0x8F, 0x97, 'd', 'l', '0', '1', '2', 0, 0xFF
        }) {
      byte[] file = padded(new SmallCifar10.Pickle().raw(0x80, 2, opcode).bytes());
      assertRefused(file, String.format("opcode 0x%02X", opcode), "at byte 3");
    }
  }

  @Test
  void structureThatIsNotABatchIsRefused() {
    assertRefused(raw('.'), "an end in the middle");
    assertRefused(raw(')', '.'), "bytes after the end");
    assertRefused(raw('e'), "without its mark");
    assertRefused(raw('q', 0), "without its operand");
    assertRefused(raw('h', 0), "a reference to nothing");
    assertRefused(raw('K', 1, 'a'), "without its operand");
    assertRefused(raw('K', 1, 'K', 1, 'a'), "is not a list");
    assertRefused(raw(')', 'K', 1, 'a'), "is not a list");
    assertRefused(raw(']', '(', 'K', 1, 'u'), "is not a dictionary");
    assertRefused(raw('}', '(', 'K', 1, 'u'), "is not a dictionary");
    assertRefused(raw('}', 'K', 1, 'K', 1, 's'), "a key that is not a string");
    assertRefused(raw('}', ')', 'b'), "a state for something that has none");
    assertRefused(raw('K', 1, '(', 'a'), "without its operand");
    assertRefused(raw(']', '(', 'K', 1, 'a', '.'), "without its operand"); // below the mark
    assertRefused(raw('T', 255, 255, 255, 127), "runs past the end");
    assertRefused(raw('T', 255, 255, 255, 255), "runs past the end");
    assertRefused(raw(0x80, 2), "protocol 2");
    assertRefused(padded(new byte[] {(byte) 0x80, 3}), "protocol 3");
    assertRefused(padded(new byte[] {'}', '.'}), "protocol 0");
    assertRefused(raw('('), "opcode 0x00"); // the padding
  }

  @Test
  void namesAndKeysAreShort() {
    String name = "x".repeat(257);
    assertRefused(replace(valid(), "numpy\nndarray", name), "a name of more than 256 bytes");
    byte[] key =
        new SmallCifar10.Pickle()
            .raw(0x80, 2, '}', 'T', 1, 1, 0, 0)
            .ascii(name)
            .raw('N', 's', '.')
            .bytes();
    assertRefused(padded(key), "a key that is not a string of at most 256 bytes");
  }

  @Test
  void wrongContentsAreRefused() {
    byte[] valid = valid();
    assertRefused(replace(valid, "U\6labels", "U\6lebels"), "a dictionary of", "labels");
    assertRefused(replace(valid, "U\13batch_label", "U\6labels"), "the key labels twice");
    assertRefused(SmallCifar10.pickle(new byte[] {1, 2, 3}, small.pixels[0]), "a list of 4 labels");
    byte[] negative = replace(valid, "labels](", "labels](J\377\377\377\377");
    assertRefused(negative, "a list of 4 labels");
    for (int label : new int[] {10, 255}) {
      byte[] labels = {0, 9, (byte) label, 3};
      byte[] file = SmallCifar10.pickle(labels, small.pixels[0]);
      assertRefused(file, "record 2 (from 0)", "a label from 0 to 9, got " + label);
    }
    assertRefused(replace(valid, "M\4\0M\0\14", "M\0\14M\4\0"), "[4, 3072] in C order");
    assertRefused(replace(valid, "tb\211T", "tb\210T"), "[4, 3072] in C order"); // Fortran order
    assertRefused(replace(valid, "](K", "](N"), "opcode");
  }

  @Test
  void truncatedAtEveryPointAndOverlong() {
    byte[] valid = valid();
    for (int length = valid.length - 1; length > valid.length - 200; length--) {
      assertRefused(Arrays.copyOf(valid, length), "data_batch_1");
    }
    assertRefused(Arrays.copyOf(valid, 100), "12,288 to 16,896 bytes, got 100 bytes");
    assertRefused(Arrays.copyOf(valid, valid.length + 1), "1 bytes after the end");
    assertRefused(Arrays.copyOf(valid, 20_000), "12,288 to 16,896 bytes, got 20,000 bytes");
  }

  /** A list that contains itself and lists of lists of lists cost nothing and lead nowhere. */
  @Test
  void selfReferencesAndDeepNestingEnd() {
    assertRefused(raw(']', 'q', 0, 'h', 0, 'a', '.'), "bytes after the end");
    SmallCifar10.Pickle deep = new SmallCifar10.Pickle().raw(0x80, 2);
    for (int i = 0; i < 1032; i++) {
      deep.raw(']');
    }
    deep.raw('T', 0, 0x2F, 0, 0).ascii("x".repeat(0x2F00)).raw('.');
    assertRefused(deep.bytes(), "more than 1032 opcodes");
    byte[] marks = new SmallCifar10.Pickle().raw(0x80, 2).ascii("(".repeat(65)).bytes();
    assertRefused(padded(marks), "more than 64 nested marks");
  }

  private static byte[] raw(int... opcodes) {
    return padded(new SmallCifar10.Pickle().raw(0x80, 2).raw(opcodes).bytes());
  }

  /** Files of the wrong size are refused before they are read. */
  private static byte[] padded(byte[] file) {
    return Arrays.copyOf(file, 13_000);
  }
}
