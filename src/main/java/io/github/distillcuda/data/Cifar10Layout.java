package io.github.distillcuda.data;

import java.util.ArrayList;
import java.util.List;

/** The two forms in which CIFAR-10 is published. */
enum Cifar10Layout {
  /** Records of a label byte and 3,072 pixel bytes. */
  BINARY("binary", "cifar-10-batches-bin", ".bin", "cifar-10-binary.tar.gz"),
  /** Pickles that Python 2 wrote. */
  PYTHON("Python", "cifar-10-batches-py", "", "cifar-10-python.tar.gz");

  private final String label;
  private final String folderName;
  private final List<String> fileNames;
  private final String archiveName;

  Cifar10Layout(String label, String folderName, String suffix, String archiveName) {
    this.label = label;
    this.folderName = folderName;
    this.archiveName = archiveName;
    List<String> names = new ArrayList<>();
    for (int batch = 1; batch <= Cifar10Release.TRAIN_BATCHES; batch++) {
      names.add("data_batch_" + batch + suffix);
    }
    names.add("test_batch" + suffix);
    this.fileNames = List.copyOf(names);
  }

  /** Returns the word for it in messages. */
  String label() {
    return label;
  }

  /** Returns the folder that the official archive unpacks to. */
  String folderName() {
    return folderName;
  }

  /** Returns the five training batches in order, then the test batch. */
  List<String> fileNames() {
    return fileNames;
  }

  /** Returns the name of the official archive. */
  String archiveName() {
    return archiveName;
  }

  /** Returns how a batch file of this layout is read. */
  BatchFormat format(int records) {
    return switch (this) {
      case BINARY -> new BinaryBatch(records);
      case PYTHON -> new PickledBatch(records);
    };
  }
}
