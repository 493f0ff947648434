package io.github.distillcuda.checkpoint;

import io.github.distillcuda.checkpoint.StateDictValue.TensorView;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.pickle.PickleValue;
import io.github.distillcuda.pickle.PickleValue.Dictionary;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * State dicts in the zip format of {@code torch.save}: {@code NAME/data.pkl} describes the tensors,
 * {@code NAME/data/0} and so on hold their elements. Also a state dict inside a training
 * checkpoint, under one of the usual keys. What is refused and why: {@code
 * native-notes/formats.md}.
 */
final class PytorchFile {
  private static final String PICKLE = "data.pkl";

  /** Where training scripts put the state dict beside optimizer and epoch, in order of choice. */
  private static final List<String> NESTED = List.of("state_dict", "model_state_dict", "model");

  private PytorchFile() {}

  /**
   * Returns the tensors of the state dict in its order, as float32.
   *
   * @param file the whole file, little-endian, on the heap
   * @throws InvalidFileException if it is not such a file, or holds anything else than tensors
   */
  static List<NamedArray> read(ByteBuffer file) throws InvalidFileException {
    ZipArchive archive = ZipArchive.read(file);
    String folder = folder(archive);
    requireVersion(archive, folder);
    requireLittleEndian(archive, folder);
    Dictionary state = stateDict(new StateDictPickleReader(archive.entry(folder + PICKLE)).read());
    TensorHeader.requireFew(state.entries().size());
    StorageReader storages = new StorageReader(archive, folder, file.limit());
    List<NamedArray> arrays = new ArrayList<>();
    for (Map.Entry<Object, PickleValue> entry : state.entries().entrySet()) {
      if (!(entry.getKey() instanceof String name)
          || !(entry.getValue() instanceof TensorView view)) {
        throw new InvalidFileException(
            "its entry %s is not a tensor; save model.state_dict() alone or under 'state_dict'"
                .formatted(Printable.name(entry.getKey().toString())));
      }
      arrays.add(storages.read(name, view));
    }
    return arrays;
  }

  /** Writes {@code arrays} as a state dict in float32; the same arrays give the same bytes. */
  static void write(OutputStream out, List<NamedArray> arrays) throws IOException {
    ZipWriter zip = new ZipWriter(out, "archive/");
    zip.add(PICKLE, PickleWriter.stateDict(arrays));
    zip.add("byteorder", ascii("little"));
    for (int i = 0; i < arrays.size(); i++) {
      zip.add("data/" + i, arrays.get(i).values());
    }
    zip.add("version", ascii("3\n"));
    zip.finish();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** All entries lie in one folder, whose name torch takes from the file's. */
  private static String folder(ZipArchive archive) throws InvalidFileException {
    String folder = null;
    for (String name : archive.names()) {
      String first = name.substring(0, name.indexOf('/') + 1);
      if (first.isEmpty() || (folder != null && !first.equals(folder))) {
        throw new InvalidFileException("its entries do not lie in one folder, as torch.save's do");
      }
      folder = first;
    }
    if (folder == null || !archive.names().contains(folder + PICKLE)) {
      throw new InvalidFileException("it is a zip archive, but not one of torch.save");
    }
    return folder;
  }

  private static void requireVersion(ZipArchive archive, String folder)
      throws InvalidFileException {
    String version = text(archive.entry(folder + "version")).strip();
    if (!version.matches("[1-9]|10")) {
      throw new InvalidFileException(
          "it is of format version " + Printable.name(version) + "; 1 to 10 are read");
    }
  }

  private static void requireLittleEndian(ZipArchive archive, String folder)
      throws InvalidFileException {
    // Absent before PyTorch 2.1, which then takes the file for little-endian, as is done here.
    String name = folder + "byteorder";
    if (archive.names().contains(name) && !text(archive.entry(name)).equals("little")) {
      throw new InvalidFileException("it was saved on a machine that is not little-endian");
    }
  }

  private static String text(ByteBuffer bytes) {
    return StandardCharsets.ISO_8859_1.decode(bytes.duplicate()).toString();
  }

  private static Dictionary stateDict(PickleValue root) throws InvalidFileException {
    if (!(root instanceof Dictionary dictionary)) {
      throw new InvalidFileException("it holds no state dict; save model.state_dict()");
    }
    for (String key : NESTED) {
      if (dictionary.entries().get(key) instanceof Dictionary nested) {
        return nested;
      }
    }
    return dictionary;
  }
}
