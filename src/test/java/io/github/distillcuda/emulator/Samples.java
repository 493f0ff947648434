package io.github.distillcuda.emulator;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The small CUDA files of the emulator's own tests, and the PTX that was built from them. */
final class Samples {
  private Samples() {}

  static PtxModule module(String name) {
    return PtxModule.parse(text(name + ".ptx"));
  }

  static String text(String file) {
    try (InputStream in = Samples.class.getResourceAsStream(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where within a kernel a marker comment stands: {@code [faults.cu:87, faults.cu:88]}. */
  static List<String> linesWith(String marker, String cuFile, String kernel) {
    List<String> lines = text(cuFile).lines().toList();
    List<String> found = new ArrayList<>();
    boolean inside = false;
    for (int i = 0; i < lines.size(); i++) {
      boolean begins = lines.get(i).matches("(extern|CLUSTER_KERNEL) .*");
      inside = begins ? lines.get(i).contains(kernel + "(") : inside;
      if (inside && lines.get(i).endsWith(marker)) {
        found.add(cuFile + ":" + (i + 1));
      }
    }
    return found;
  }
}
