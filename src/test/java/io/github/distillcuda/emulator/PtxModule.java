package io.github.distillcuda.emulator;

import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.PtxParser;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A loaded PTX module: its kernels, decoded and ready to be launched. */
public final class PtxModule {
  private final Map<String, EmulatedKernel> kernels = new LinkedHashMap<>();

  private PtxModule() {}

  /**
   * Loads a module.
   *
   * @throws io.github.distillcuda.emulator.ptx.PtxFormatException naming the first directive or
   *     instruction that the emulator does not model
   */
  public static PtxModule parse(String text) {
    PtxModule module = new PtxModule();
    for (Entry entry : PtxParser.parse(text)) {
      module.kernels.put(entry.name(), new EmulatedKernel(entry));
    }
    return module;
  }

  public Set<String> kernelNames() {
    return kernels.keySet();
  }

  /**
   * Finds a kernel.
   *
   * @throws IllegalArgumentException if the module has no such entry
   */
  public EmulatedKernel kernel(String name) {
    EmulatedKernel kernel = kernels.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException("no kernel " + name + " among " + kernels.keySet());
    }
    return kernel;
  }
}
