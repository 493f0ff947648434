package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.PtxModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The committed PTX, loaded once for all tests. */
final class ShippedPtx {
  private static final Path FOLDER = Path.of("kernels", "ptx");
  private static final Map<String, PtxModule> MODULES = new ConcurrentHashMap<>();

  private ShippedPtx() {}

  static EmulatedKernel kernel(KernelSignature signature) {
    return MODULES
        .computeIfAbsent(signature.ptx(), file -> PtxModule.parse(text(file)))
        .kernel(signature.symbol());
  }

  /** Whether the kernel has an instruction whose result the PTX ISA only bounds. */
  static boolean isApproximate(KernelSignature signature) {
    String text = text(signature.ptx());
    int begin = text.indexOf(".entry " + signature.symbol() + "(");
    int end = text.indexOf(".entry ", begin + 1);
    String kernel = text.substring(begin, end < 0 ? text.length() : end);
    return kernel.contains(".approx.") || kernel.contains("mma.sync.");
  }

  static String text(String file) {
    try {
      return Files.readString(FOLDER.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
