package io.github.distillcuda.checkpoint;

import io.github.distillcuda.checkpoint.StateDictValue.Storage;
import io.github.distillcuda.checkpoint.StateDictValue.TensorView;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Turns the tensors of a PyTorch file, which are views of storages, into arrays. */
final class StorageReader {
  private final ZipArchive archive;
  private final String folder;
  private final Map<String, Storage> seen = new HashMap<>();
  private long bytesLeft;

  /**
   * A reader of one file.
   *
   * @param folder the archive's only folder, with its slash
   * @param fileBytes the size of the file, which all tensors together must not exceed: one storage
   *     under many names would otherwise let a small file fill the memory
   */
  StorageReader(ZipArchive archive, String folder, int fileBytes) {
    this.archive = archive;
    this.folder = folder;
    this.bytesLeft = fileBytes;
  }

  /**
   * Returns the elements of a view in row-major order, as float32.
   *
   * @throws InvalidFileException if its storage is not as large as the pickle says, the view leaves
   *     it, or the view is neither contiguous nor a transposed contiguous tensor
   */
  NamedArray read(String name, TensorView view) throws InvalidFileException {
    String shown = Printable.name(name);
    Shape shape =
        TensorHeader.shape(name, view.extents().stream().mapToLong(Long::longValue).toArray());
    DType dtype = view.storage().type().dtype();
    if (dtype == null) {
      throw new InvalidFileException(
          shown + " holds integers; only float32, float16, bfloat16 and float64 are read");
    }
    ByteBuffer bytes = storage(shown, view.storage(), dtype);
    int elements = shape.elements();
    if (view.offset() < 0 || view.offset() > view.storage().elements() - elements) {
      throw new InvalidFileException(
          "%s of shape %s at %d leaves its storage of %d elements"
              .formatted(shown, shape, view.offset(), view.storage().elements()));
    }
    DenseStrides strides = DenseStrides.of(shown, shape, view.strides());
    bytesLeft -= (long) elements * dtype.bytes();
    if (bytesLeft < 0) {
      throw new InvalidFileException("its tensors together are larger than the file");
    }
    int begin = (int) view.offset() * dtype.bytes();
    ByteBuffer region = FloatBytes.slice(bytes, begin, elements * dtype.bytes());
    return new NamedArray(
        name, shape, strides.toRowMajor(FloatBytes.decode(region, dtype, elements)));
  }

  private ByteBuffer storage(String shown, Storage storage, DType dtype)
      throws InvalidFileException {
    if (!storage.key().matches("0|[1-9][0-9]{0,8}")) {
      throw new InvalidFileException(
          shown + " refers to storage " + Printable.name(storage.key()) + ", not to a number");
    }
    Storage first = seen.putIfAbsent(storage.key(), storage);
    if (first != null && !first.equals(storage)) {
      throw new InvalidFileException(
          "its pickle describes storage " + storage.key() + " in two ways");
    }
    ByteBuffer bytes = archive.entry(folder + "data/" + storage.key());
    boolean whole = bytes.limit() % dtype.bytes() == 0;
    if (!whole || storage.elements() != bytes.limit() / dtype.bytes()) {
      throw new InvalidFileException(
          "%s needs a storage of %d elements of %d bytes, but entry data/%s has %d bytes"
              .formatted(shown, storage.elements(), dtype.bytes(), storage.key(), bytes.limit()));
    }
    return bytes;
  }
}
