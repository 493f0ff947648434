package io.github.distillcuda.cuda.kernels;

/**
 * How a row kernel maps rows of logits to threads: up to how many classes, and by how many
 * neighbouring lanes a row, in blocks of {@link #BLOCK} threads.
 *
 * @param name as in kernel symbols
 * @param maxClasses the most classes
 * @param lanes lanes a row
 */
record ClassRange(String name, int maxClasses, int lanes) {
  /** {@code ROW_BLOCK} of {@code kernels/tile.cuh}. */
  static final int BLOCK = 128;

  static final ClassRange C16 = new ClassRange("c16", 16, 2);
  static final ClassRange C32 = new ClassRange("c32", 32, 4);
  static final ClassRange C128 = new ClassRange("c128", 128, 8);
  static final ClassRange C256 = new ClassRange("c256", 256, 16);
  static final ClassRange C1024 = new ClassRange("c1024", 1024, 32);

  /** Returns the same range by another number of lanes. */
  ClassRange byLanes(int otherLanes) {
    return new ClassRange(name, maxClasses, otherLanes);
  }

  boolean covers(KernelSizes sizes) {
    return sizes.get("classes") <= maxClasses;
  }

  LaunchConfig launch(KernelSizes sizes) {
    return LaunchConfig.covering(sizes.get("rows"), BLOCK / lanes, BLOCK);
  }

  String requirement() {
    return "at most " + maxClasses + " classes";
  }
}
