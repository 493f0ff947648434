package io.github.distillcuda.checkpoint;

import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes the pickle of a state dict: an {@code OrderedDict} of tensors, the i-th of which is all of
 * storage i. Nothing is stored for later recall, as pickle allows: the file grows by some bytes a
 * tensor and the writer stays a list of prints.
 */
final class PickleWriter {
  private final ByteArrayOutputStream code = new ByteArrayOutputStream();

  private PickleWriter() {}

  /** Returns the pickle of a state dict with these names and shapes. */
  static byte[] stateDict(List<NamedArray> arrays) {
    PickleWriter writer = new PickleWriter();
    writer.code.write(0x80); // PROTO
    writer.code.write(2);
    writer.orderedDict();
    writer.code.write('('); // MARK
    for (int i = 0; i < arrays.size(); i++) {
      writer.text(arrays.get(i).name());
      writer.tensor(arrays.get(i).shape(), i);
    }
    writer.code.write('u'); // SETITEMS
    writer.code.write('.'); // STOP
    return writer.code.toByteArray();
  }

  private void orderedDict() {
    global("collections", "OrderedDict");
    tuple();
    code.write('R'); // REDUCE
  }

  private void tensor(Shape shape, int storage) {
    global("torch._utils", "_rebuild_tensor_v2");
    code.write('(');
    storage(storage, shape.elements());
    integer(0);
    tuple(shape.extents());
    tuple(rowMajorStrides(shape));
    code.write(0x89); // NEWFALSE: requires_grad
    orderedDict(); // hooks
    code.write('t'); // TUPLE
    code.write('R');
  }

  private void storage(int key, int elements) {
    code.write('(');
    text("storage");
    global("torch", "FloatStorage");
    text(Integer.toString(key));
    text("cpu");
    integer(elements);
    code.write('t');
    code.write('Q'); // BINPERSID
  }

  private static int[] rowMajorStrides(Shape shape) {
    int[] strides = new int[shape.rank()];
    int stride = 1;
    for (int axis = strides.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= Math.max(1, shape.extent(axis));
    }
    return strides;
  }

  private void tuple(int... values) {
    code.write('(');
    for (int value : values) {
      integer(value);
    }
    code.write('t');
  }

  private void integer(int value) {
    code.write('J'); // BININT
    int32(value);
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    code.write('X'); // BINUNICODE
    int32(bytes.length);
    code.writeBytes(bytes);
  }

  private void global(String module, String name) {
    code.writeBytes(('c' + module + '\n' + name + '\n').getBytes(StandardCharsets.US_ASCII));
  }

  private void int32(int value) {
    code.writeBytes(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }
}
