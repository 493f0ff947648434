package io.github.distillcuda.cuda;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Kernels on rows of logits of one type and number of classes, which a library's user launches on
 * arrays of the caller: loaded once, and checked before each launch.
 */
abstract class LogitsOperation implements AutoCloseable {
  /** The first with bfloat16. */
  private static final int BFLOAT16_CAPABILITY = 80;

  /** Blocks of a grid, of which the largest clusters have 16 a row. */
  private static final int MOST_ROWS = Integer.MAX_VALUE / 16;

  private static final double LEAST_TEMPERATURE = 1e-18;

  private static final double MOST_TEMPERATURE = 1e18;

  private final DeviceScope scope = new DeviceScope();
  private final DeviceArguments arguments;
  private final Map<KernelSignature, KernelLaunch> launches = new HashMap<>();
  private final Set<KernelSignature> tooLarge = new HashSet<>();
  private final CudaContext context;
  private final ElementType type;
  private final int classes;
  private final int sharedBytes;
  private boolean closed;

  LogitsOperation(CudaContext context, ElementType type, int classes) {
    if (type != FLOAT32 && type != BFLOAT16) {
      throw new IllegalArgumentException("logits are FLOAT32 or BFLOAT16, not " + type);
    }
    if (classes < 1) {
      throw new IllegalArgumentException("a row has at least 1 class, not " + classes);
    }
    if (type == BFLOAT16 && context.device().computeCapability() < BFLOAT16_CAPABILITY) {
      throw new DistillException(
          ExitCode.DEVICE,
          "logits in bfloat16 need compute capability 8.0; %s has %s: use float32"
              .formatted(context.device().name(), context.device().capability()));
    }
    this.context = context;
    arguments = new DeviceArguments(context);
    this.type = type;
    this.classes = classes;
    sharedBytes = context.device().sharedBytes(context.driver());
  }

  /** Loads kernels that are not loaded yet, for as long as this is open. */
  final void load(Collection<KernelSignature> kernels) {
    List<KernelSignature> missing =
        kernels.stream().distinct().filter(kernel -> !launches.containsKey(kernel)).toList();
    KernelLibrary library = scope.own(KernelLibrary.load(context, missing));
    missing.forEach(kernel -> launches.put(kernel, library.function(kernel).prepare(sizes(1))));
  }

  /**
   * Returns the first of some kernels that the GPU can run with so many rows. One that needs a
   * cluster of blocks is loaded to find out: where the GPU has no room for it, as a part of one may
   * have none for many blocks, a later kernel takes its place.
   */
  final KernelSignature first(List<KernelSignature> kernels, int rows) {
    List<KernelSignature> left =
        kernels.stream().filter(kernel -> !tooLarge.contains(kernel)).toList();
    int capability = context.device().computeCapability();
    KernelSignature kernel = KernelCatalog.select(left, sizes(rows), capability, sharedBytes);
    return kernel.clusterBlocks() == 1 || hasRoom(kernel) ? kernel : first(kernels, rows);
  }

  /** Whether the GPU has room for a kernel's clusters; if not, it is too large from now on. */
  private boolean hasRoom(KernelSignature kernel) {
    if (launches.containsKey(kernel)) {
      return true;
    }
    try (DeviceScope trying = new DeviceScope()) {
      KernelLibrary library = trying.own(KernelLibrary.load(context, List.of(kernel)));
      KernelFunction function = library.function(kernel);
      if (function.hasRoom(sizes(1))) {
        scope.own(trying.release(library));
        launches.put(kernel, function.prepare(sizes(1)));
        return true;
      }
    }
    tooLarge.add(kernel);
    return false;
  }

  /**
   * Allocates zeroed memory, for as long as this is open, which any stream may use from here on.
   */
  final DeviceBuffer allocateZeroed(String name, long byteSize) {
    DeviceBuffer buffer = scope.own(context.memory().allocate(name, byteSize));
    try (CudaStream stream = CudaStream.create(context, name)) {
      stream.clear(buffer);
      stream.synchronize();
    }
    return buffer;
  }

  /** Returns a kernel's launch, of as many rows as it had last. */
  final KernelLaunch launchOf(KernelSignature kernel) {
    KernelLaunch launch = launches.get(kernel);
    if (launch == null) {
      throw new IllegalStateException(kernel.symbol() + " is not among the kernels of " + this);
    }
    return launch;
  }

  final KernelSizes sizes(int rows) {
    return KernelSizes.of("rows", rows, "classes", classes);
  }

  final ElementType type() {
    return type;
  }

  /** Returns the bytes of so many rows of logits. */
  public final long logitsBytes(int rows) {
    return elements(rows) * type.bytes();
  }

  final long elements(int rows) {
    return (long) rows * classes;
  }

  /** Begins a launch: returns what checks its arrays. */
  final DeviceArguments check(CudaStream stream, int rows) {
    context.requireUsable();
    if (closed) {
      throw new IllegalStateException(this + " is closed");
    }
    if (!stream.context().isSame(context)) {
      throw new IllegalArgumentException(
          "%s is in another context than %s".formatted(stream, this));
    }
    if (rows < 1 || rows > MOST_ROWS) {
      throw new IllegalArgumentException(
          "%,d rows: at least 1 and at most %,d are launched at once".formatted(rows, MOST_ROWS));
    }
    arguments.clear();
    return arguments;
  }

  /** Returns T in the arithmetic of the kernels, which take its square and its reciprocal. */
  static float temperature(double value) {
    if (!(value >= LEAST_TEMPERATURE && value <= MOST_TEMPERATURE)) {
      throw new IllegalArgumentException(
          "temperature %s is not from %s to %s"
              .formatted(value, LEAST_TEMPERATURE, MOST_TEMPERATURE));
    }
    return (float) value;
  }

  /**
   * Waits for all work of the context and unloads the kernels; a second call does nothing. Not
   * while a stream is captured, and after the graphs that launches were captured in are closed.
   */
  @Override
  public final void close() {
    if (!closed) {
      context.requireUsable();
      closed = true;
      try (scope) {
        if (!context.isLost()) {
          context.synchronize();
        }
      }
    }
  }

  /** Returns what it is for, such as {@code CudaDistillationLoss of 1,000 classes in FLOAT32}. */
  @Override
  public final String toString() {
    return "%s of %,d classes in %s".formatted(getClass().getSimpleName(), classes, type);
  }
}
