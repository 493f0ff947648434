package io.github.distillcuda.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What {@code data verify} found.
 *
 * @param path the folder of the batch files, or the archive
 * @param form {@code binary folder}, {@code Python folder} or {@code archive}
 * @param name the name that results over this data carry; says whether the files are official
 * @param sha256 of the training set, as {@link ImageDataset#sha256}
 * @param classes how many images each class has
 */
public record DatasetReport(
    Path path, String form, String name, String sha256, List<ClassCount> classes) {
  /** The number of images of one class. */
  public record ClassCount(String name, int train, int test) {}

  static DatasetReport of(Cifar10Location location, ImageDataset set) {
    int[] train = count(set.trainLabels(), set.classNames().size());
    int[] test = count(set.testLabels(), set.classNames().size());
    List<ClassCount> classes = new ArrayList<>();
    for (int label = 0; label < train.length; label++) {
      classes.add(new ClassCount(set.classNames().get(label), train[label], test[label]));
    }
    String form =
        switch (location) {
          case Cifar10Location.Folder folder -> folder.layout().label() + " folder";
          case Cifar10Location.Archive archive -> "archive";
        };
    return new DatasetReport(location.path(), form, set.name(), set.sha256(), List.copyOf(classes));
  }

  private static int[] count(byte[] labels, int classes) {
    int[] counts = new int[classes];
    for (byte label : labels) {
      counts[label]++;
    }
    return counts;
  }

  /** Returns whether the official checksums hold. */
  public boolean isOfficial() {
    return name.equals(Cifar10Release.NAME);
  }

  /** Returns the report for a person to read, a line each. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add("path      " + path);
    lines.add("form      " + form);
    lines.add("name      " + name);
    lines.add("official  " + (isOfficial() ? "yes, the checksums agree" : "not known to be"));
    lines.add("sha256    " + sha256 + " (training labels and images)");
    lines.add(String.format(Locale.ROOT, "%-12s%8s%8s", "class", "train", "test"));
    for (ClassCount row : classes) {
      lines.add(String.format(Locale.ROOT, "%-12s%8d%8d", row.name(), row.train(), row.test()));
    }
    return lines;
  }
}
