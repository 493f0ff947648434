package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Fits the arrays of a model file to a model. */
public final class StateDict {
  /** What DataParallel and torch.compile put before every name, around each other or alone. */
  private static final List<String> PREFIXES = List.of("module.", "_orig_mod.", "module.");

  /** More would hide the message in its own details. */
  private static final int MOST_LISTED = 4;

  private StateDict() {}

  /**
   * Returns the arrays that a model expects, in its order and under its names.
   *
   * @param file where the arrays come from, for messages
   * @param expected the model's parameters in order, name to shape
   * @param arrays what the file holds
   * @param renames from a name in the file to one of the model; empty where they agree
   * @throws DistillException (DATA) if an array is missing, unexpected or of another shape; (USAGE)
   *     if a rename does not apply
   */
  public static List<NamedArray> match(
      Path file,
      SequencedMap<String, Shape> expected,
      List<NamedArray> arrays,
      Map<String, String> renames) {
    Map<String, NamedArray> byName = new LinkedHashMap<>();
    renamed(file, arrays, renames).forEach(array -> byName.put(array.name(), array));
    if (!byName.keySet().equals(expected.keySet())) {
      throw new InvalidFileException(differentNames(expected, byName)).of(file);
    }
    List<String> wrong =
        expected.entrySet().stream()
            .filter(entry -> !byName.get(entry.getKey()).shape().equals(entry.getValue()))
            .map(entry -> differentShape(entry, byName.get(entry.getKey())))
            .toList();
    if (!wrong.isEmpty()) {
      String problem = listed(wrong) + "; give a file of a model of these shapes";
      throw new InvalidFileException(problem).of(file);
    }
    return expected.keySet().stream().map(byName::get).toList();
  }

  /**
   * Checks that all elements are numbers.
   *
   * @param file where the arrays come from, for the message
   * @throws DistillException (NOT_FINITE) naming the first array that has a NaN or an infinity, and
   *     where
   */
  public static void requireFinite(Path file, List<NamedArray> arrays) {
    for (NamedArray array : arrays) {
      float[] values = array.values();
      for (int i = 0; i < values.length; i++) {
        if (!Float.isFinite(values[i])) {
          throw new DistillException(
              ExitCode.NOT_FINITE,
              "%s: %s has %s at %s; take a file from before the training diverged"
                  .formatted(
                      Printable.path(file),
                      Printable.name(array.name()),
                      values[i],
                      Arrays.toString(index(array.shape(), i))));
        }
      }
    }
  }

  /** Returns the arrays without the prefixes that stand before all of their names. */
  static List<NamedArray> withoutPrefixes(List<NamedArray> arrays) {
    List<NamedArray> stripped = arrays;
    for (String prefix : PREFIXES) {
      if (stripped.stream().allMatch(array -> array.name().startsWith(prefix))) {
        stripped =
            stripped.stream()
                .map(array -> named(array.name().substring(prefix.length()), array))
                .toList();
      }
    }
    return stripped;
  }

  /**
   * Returns the arrays under other names.
   *
   * @param file where the arrays come from, for messages
   * @param renames from a name in the file to another
   * @throws DistillException (USAGE) if the file lacks one of the names, or two arrays would have
   *     the same
   */
  public static List<NamedArray> renamed(
      Path file, List<NamedArray> arrays, Map<String, String> renames) {
    Set<String> unused = new HashSet<>(renames.keySet());
    Map<String, NamedArray> byName = new LinkedHashMap<>();
    for (NamedArray array : arrays) {
      unused.remove(array.name());
      String name = renames.getOrDefault(array.name(), array.name());
      if (byName.put(name, named(name, array)) != null) {
        throw new DistillException(
            ExitCode.USAGE,
            Printable.path(file) + ": --rename gives two tensors the name " + Printable.name(name));
      }
    }
    if (!unused.isEmpty()) {
      throw new DistillException(
          ExitCode.USAGE,
          "%s: --rename of %s, but the file has %s"
              .formatted(
                  Printable.path(file),
                  printable(unused.stream().sorted().toList()),
                  printable(arrays.stream().map(NamedArray::name).toList())));
    }
    return List.copyOf(byName.values());
  }

  private static String differentNames(
      SequencedMap<String, Shape> expected, Map<String, NamedArray> byName) {
    List<NamedArray> found = List.copyOf(byName.values());
    List<String> wanted = List.copyOf(expected.keySet());
    boolean shapesFit =
        found.stream().map(NamedArray::shape).toList().equals(List.copyOf(expected.values()));
    if (shapesFit) {
      String pairs =
          IntStream.range(0, wanted.size())
              .filter(i -> !found.get(i).name().equals(wanted.get(i)))
              .mapToObj(
                  i -> "--rename " + Printable.name(found.get(i).name()) + "=" + wanted.get(i))
              .collect(Collectors.joining(" "));
      return "the shapes fit but the names differ; if this is the order meant, add " + pairs;
    }
    List<String> missing = new ArrayList<>(wanted);
    missing.removeAll(byName.keySet());
    List<String> unexpected = new ArrayList<>(byName.keySet());
    unexpected.removeAll(wanted);
    List<String> differences = new ArrayList<>();
    if (!missing.isEmpty()) {
      differences.add("it lacks " + printable(missing));
    }
    if (!unexpected.isEmpty()) {
      differences.add((missing.isEmpty() ? "it also has " : "has ") + printable(unexpected));
    }
    return "it is not of this model: "
        + String.join(" and ", differences)
        + "; "
        + (differences.size() == 2
            ? "--rename old=new maps names"
            : missing.isEmpty() ? "save the file without that" : "save the whole state_dict");
  }

  private static String differentShape(Map.Entry<String, Shape> expected, NamedArray found) {
    return "%s is %s in the file but %s in the model"
        .formatted(Printable.name(found.name()), found.shape(), expected.getValue());
  }

  private static String printable(List<String> names) {
    return names.isEmpty() ? "nothing" : listed(names.stream().map(Printable::name).toList());
  }

  private static String listed(List<String> items) {
    int more = items.size() - MOST_LISTED;
    return items.stream().limit(MOST_LISTED).collect(Collectors.joining(", "))
        + (more > 0 ? " and " + more + " more" : "");
  }

  private static NamedArray named(String name, NamedArray array) {
    return name.equals(array.name()) ? array : new NamedArray(name, array.shape(), array.values());
  }

  private static int[] index(Shape shape, int element) {
    int[] index = new int[shape.rank()];
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      index[axis] = element % shape.extent(axis);
      element /= shape.extent(axis);
    }
    return index;
  }
}
