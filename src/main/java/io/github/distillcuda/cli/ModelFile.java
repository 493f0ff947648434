package io.github.distillcuda.cli;

import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.checkpoint.StateDict;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.nio.file.Path;
import java.util.HashMap;
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
  /**
   * Reads a file whose widths are read from its shapes.
   *
   * @param standard the widths to expect where its shapes do not say
   */
  static ModelFile inferred(Path file, Map<String, String> renames, Architecture standard) {
    List<NamedArray> arrays = ModelFiles.read(file);
    requireClasses(file, arrays, standard.classes());
    return matched(file, renames, arrays, widthsOf(arrays, renames, standard));
  }

  /** Reads a file and checks that it is a network of the given widths. */
  static ModelFile read(Path file, Map<String, String> renames, Architecture architecture) {
    return matched(file, renames, ModelFiles.read(file), architecture);
  }

  /** Refuses a network of other images: no width that could be given makes it fit. */
  private static void requireClasses(Path file, List<NamedArray> arrays, int classes) {
    for (NamedArray array : arrays) {
      if (array.name().equals("fc2.bias")
          && array.shape().rank() == 1
          && array.shape().extent(0) != classes) {
        throw new DistillException(
            ExitCode.DATA,
            "%s: it tells %d classes apart, CIFAR-10 has %d; give a model that was trained on CIFAR-10"
                .formatted(file, array.shape().extent(0), classes));
      }
    }
  }

  private static ModelFile matched(
      Path file, Map<String, String> renames, List<NamedArray> arrays, Architecture architecture) {
    List<NamedArray> parameters = StateDict.match(file, architecture.stateDict(), arrays, renames);
    StateDict.requireFinite(file, parameters);
    return new ModelFile(file.toString(), ModelFiles.sha256(file), architecture, parameters);
  }

  /**
   * Returns the widths that the biases say, the standard ones where they say nothing. Where the
   * file has other names, the order speaks, so that the names to give can be suggested.
   */
  private static Architecture widthsOf(
      List<NamedArray> arrays, Map<String, String> renames, Architecture standard) {
    Map<String, Shape> shapes = new HashMap<>();
    List<String> names = List.copyOf(standard.stateDict().keySet());
    for (int i = 0; i < arrays.size() && arrays.size() == names.size(); i++) {
      shapes.put(names.get(i), arrays.get(i).shape());
    }
    for (NamedArray array : arrays) {
      shapes.put(renames.getOrDefault(array.name(), array.name()), array.shape());
    }
    return new Architecture(
        outputs(shapes.get("conv1.bias"), standard.conv1()),
        outputs(shapes.get("conv2.bias"), standard.conv2()),
        outputs(shapes.get("fc1.bias"), standard.hidden()),
        standard.classes());
  }

  private static int outputs(Shape bias, int otherwise) {
    boolean usable = bias != null && bias.rank() == 1 && bias.extent(0) > 0;
    return usable && bias.extent(0) <= 4096 ? bias.extent(0) : otherwise;
  }
}
