package io.github.distillcuda.cuda;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The program's own kernels that a run needs, loaded at its start: a missing one is found out then.
 * A module a file; where a file was built for several targets, the newest that fits.
 */
public final class KernelLibrary implements AutoCloseable {
  /** The compute capabilities that PTX is built for, the newest first. */
  private static final List<Integer> TARGETS = List.of(90, 80, 75);

  /** GPUs of a lower compute capability run none of the kernels. */
  static final int LOWEST_TARGET = TARGETS.getLast();

  private final DeviceScope scope = new DeviceScope();
  private final Map<KernelSignature, KernelFunction> functions = new LinkedHashMap<>();

  private KernelLibrary() {}

  /** Loads kernels; the caller closes the library. */
  public static KernelLibrary load(CudaContext context, List<KernelSignature> kernels) {
    Map<String, List<KernelSignature>> files = new LinkedHashMap<>();
    for (KernelSignature kernel : kernels) {
      files.computeIfAbsent(kernel.ptx(), file -> new ArrayList<>()).add(kernel);
    }
    try (DeviceScope loading = new DeviceScope()) {
      KernelLibrary library = loading.own(new KernelLibrary());
      files.forEach((file, wanted) -> library.loadFile(context, file, wanted));
      return loading.release(library);
    }
  }

  private void loadFile(CudaContext context, String ptx, List<KernelSignature> wanted) {
    String file = ptx.substring(ptx.indexOf('/') + 1);
    CudaModule module = scope.own(CudaModule.load(context, file, imagesOf(file, wanted), wanted));
    wanted.forEach(kernel -> functions.put(kernel, module.function(kernel)));
  }

  /** Every build of a file that has all the kernels wanted, without its others. */
  private static List<PtxImage> imagesOf(String file, List<KernelSignature> wanted) {
    Set<String> symbols = wanted.stream().map(KernelSignature::symbol).collect(Collectors.toSet());
    List<PtxImage> images =
        TARGETS.stream()
            .map(target -> KernelSignature.RESOURCE_FOLDER + "compute_" + target + "/" + file)
            .map(PtxImage::ofResource)
            .flatMap(Optional::stream)
            .filter(image -> symbols.stream().allMatch(image::defines))
            .map(image -> image.only(symbols))
            .toList();
    if (images.isEmpty()) {
      throw new IllegalStateException("no build of %s has all of %s".formatted(file, symbols));
    }
    return images;
  }

  /**
   * Returns a kernel.
   *
   * @throws IllegalArgumentException if it was not loaded
   */
  public KernelFunction function(KernelSignature kernel) {
    KernelFunction function = functions.get(kernel);
    if (function == null) {
      throw new IllegalArgumentException(kernel.symbol() + " was not loaded");
    }
    return function;
  }

  @Override
  public void close() {
    scope.close();
  }
}
