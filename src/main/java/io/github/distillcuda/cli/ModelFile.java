package io.github.distillcuda.cli;

import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.NamedArray;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A network read from a model file.
 *
 * @param path the file as it was named
 * @param sha256 of its bytes
 * @param architecture its widths
 * @param parameters in state-dict order, all finite
 */
record ModelFile(
    String path, String sha256, Architecture architecture, List<NamedArray> parameters) {
  /** Reads a file whose widths are read from its shapes. */
  static ModelFile read(Path file, Map<String, String> renames) {
    throw new UnsupportedOperationException();
  }

  /** Reads a file and checks that it is a network of the given widths. */
  static ModelFile read(Path file, Map<String, String> renames, Architecture architecture) {
    throw new UnsupportedOperationException();
  }
}
