package io.github.distillcuda.cuda;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** Kernels that the driver compiled for this GPU. */
public final class CudaModule extends ContextHandle {
  private static final int LOG_BYTES = 8192;

  private final Arena arena = Arena.ofConfined();
  private final Map<KernelSignature, KernelFunction> functions = new LinkedHashMap<>();

  private CudaModule(CudaContext context, String name, long address) {
    super(context, name, address);
  }

  /**
   * Loads the newest of several images that this GPU and its driver take, and resolves the kernels;
   * the caller closes the module.
   *
   * @param images the same kernels for different targets
   * @param kernels what is wanted; all of it is in each image
   * @throws DistillException {@link ExitCode#DEVICE} if no image is taken, with what the driver's
   *     compiler said of each; {@link NativeException} naming the image if loading fails otherwise
   */
  public static CudaModule load(
      CudaContext context, String name, List<PtxImage> images, List<KernelSignature> kernels) {
    try (DeviceScope loading = new DeviceScope()) {
      CudaModule module =
          loading.own(new CudaModule(context, name, loadNewest(context, name, images)));
      for (KernelSignature kernel : kernels) {
        long function = context.driver().cuModuleGetFunction(module.address(), kernel.symbol());
        module.functions.put(kernel, new KernelFunction(module, kernel, function));
      }
      return loading.release(module);
    }
  }

  private static long loadNewest(CudaContext context, String name, List<PtxImage> images) {
    List<PtxImage> newestFirst =
        images.stream().sorted(Comparator.comparingInt(PtxImage::target).reversed()).toList();
    List<String> refusals = new ArrayList<>();
    for (PtxImage image : newestFirst) {
      OptionalLong module = load(context, image, refusals);
      if (module.isPresent()) {
        return module.getAsLong();
      }
    }
    throw new DistillException(
        ExitCode.DEVICE,
        "the kernels of %s do not run on %s: %s; use a newer driver or GPU"
            .formatted(name, context.device(), String.join("; ", refusals)));
  }

  /** Returns the module, or nothing where an older image may do. */
  private static OptionalLong load(CudaContext context, PtxImage image, List<String> refusals) {
    if (image.target() > context.device().computeCapability()) {
      refusals.add(
          "%s is for compute capability %d.%d and later"
              .formatted(image.name(), image.target() / 10, image.target() % 10));
      return OptionalLong.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment log = arena.allocate(LOG_BYTES);
      try {
        return OptionalLong.of(compile(context, image, arena, log));
      } catch (DistillException e) {
        if (!isRefusal(e)) {
          throw e.with("; the kernels to load were " + image.name());
        }
        refusals.add("%s: %s %s".formatted(image.name(), e.getMessage(), oneLine(log)));
        return OptionalLong.empty();
      }
    }
  }

  private static long compile(CudaContext context, PtxImage image, Arena arena, MemorySegment log) {
    int[] options = {
      CudaConstants.CU_JIT_ERROR_LOG_BUFFER, CudaConstants.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
    };
    long[] values = {log.address(), log.byteSize()};
    return context.driver().cuModuleLoadDataEx(arena.allocateFrom(image.text()), options, values);
  }

  /** Whether the driver does not know this PTX, and may know an older one. */
  private static boolean isRefusal(DistillException failure) {
    return failure instanceof NativeException result
        && (result.code() == CudaConstants.CUDA_ERROR_NO_BINARY_FOR_GPU
            || result.code() == CudaConstants.CUDA_ERROR_INVALID_PTX
            || result.code() == CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
  }

  private static String oneLine(MemorySegment log) {
    return log.getString(0).strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  /**
   * Returns a kernel.
   *
   * @throws IllegalArgumentException if it was not among those wanted at load
   */
  public KernelFunction function(KernelSignature kernel) {
    KernelFunction function = functions.get(kernel);
    if (function == null) {
      throw new IllegalArgumentException(kernel.symbol() + " was not loaded with " + this);
    }
    return function;
  }

  /** Where launches of this module's kernels keep their arguments. */
  Arena arena() {
    requireUsable();
    return arena;
  }

  @Override
  void release(long address) {
    context().driver().cuModuleUnload(address);
  }

  @Override
  void afterClose() {
    arena.close();
    super.afterClose();
  }
}
