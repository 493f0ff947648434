package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaDevice;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.cuda.CudaEvent;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.HostStaging;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.KernelLibrary;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What everything of one backend shares: the context, a lane for each branch, the kernels, and the
 * scope that owns it all until the backend is closed. Used by the thread that made it alone.
 */
final class CudaSession implements AutoCloseable {
  private static final long STAGING_BYTES = 4L << 20;
  private static final String SMALLER_BATCH = "use a smaller --batch-size";
  private static final String OTHER_MEMORY = "free some of it, or use another GPU or --device cpu";

  private final Lifetime lifetime = new Lifetime("CudaBackend");
  private final DeviceScope scope = new DeviceScope();
  private final BackendOptions options;
  private final CudaEngine engine;
  private final CudaContext context;
  private final MathMode math;
  private final Map<Branch, ComputeLane> lanes = new EnumMap<>(Branch.class);
  private final Map<KernelSignature, KernelLibrary> kernels = new HashMap<>();
  private final AlgorithmChoices algorithms = new AlgorithmChoices();
  private final HostStaging staging;
  private final Watchdog watchdog;
  private boolean measures;
  private DeviceBuffer ones;

  /**
   * Opens a GPU for the calling thread.
   *
   * @param patience after how long without an end its work counts as hung
   * @throws DistillException DEVICE if there is no such GPU or it is too old for the kernels,
   *     DEVICE_MEMORY if there is no room on it
   */
  CudaSession(CudaEngine engine, int ordinal, BackendOptions options, Duration patience) {
    this.options = options;
    measures = !options.deterministic();
    try (DeviceScope opening = new DeviceScope()) {
      opening.own(scope);
      CudaDevice.of(engine.driver(), ordinal).requireSupported();
      context = scope.own(CudaContext.open(engine.driver(), ordinal));
      context.memory().advise(OTHER_MEMORY);
      this.engine = engine;
      math = mathMode(options.precision());
      staging = scope.own(new HostStaging(stream(), STAGING_BYTES));
      watchdog = new Watchdog(context, scope.own(CudaEvent.create(context, "watchdog")), patience);
      context.memory().advise(SMALLER_BATCH);
      opening.release(scope);
    }
  }

  /** Compute capability 8.0 is the first with TF32 and bfloat16. */
  private MathMode mathMode(BackendOptions.Precision precision) {
    boolean ampere = context.device().computeCapability() >= 80;
    MathMode asked =
        switch (precision) {
          case AUTO -> ampere ? MathMode.TF32 : MathMode.FP32;
          case FP32 -> MathMode.FP32;
          case TF32 -> MathMode.TF32;
          case BF16 -> MathMode.BF16;
        };
    if (asked != MathMode.FP32 && !ampere) {
      throw new DistillException(
          ExitCode.USAGE,
          "--precision %s needs compute capability 8.0, %s has %s; use --precision fp32"
              .formatted(asked, context.device().name(), context.device().capability()));
    }
    return asked;
  }

  /**
   * Throws unless the backend is open and this is its thread; every method of the backend begins
   * so.
   *
   * @throws IllegalStateException otherwise
   */
  void check() {
    lifetime.check();
    context.makeCurrent();
  }

  BackendOptions options() {
    return options;
  }

  /** Returns whether algorithms are measured, where there are several. */
  boolean measures() {
    return measures;
  }

  /** Lets all algorithms be chosen by rule from here on. */
  void measureNothing() {
    measures = false;
  }

  CudaContext context() {
    return context;
  }

  DeviceScope scope() {
    return scope;
  }

  MathMode math() {
    return math;
  }

  /** Returns the type of what convolutions and products multiply. */
  DType operands() {
    return operands(math);
  }

  /** Returns the type of the operands in an arithmetic. */
  static DType operands(MathMode math) {
    return math.multipliesBfloat16() ? DType.BFLOAT16 : DType.FLOAT32;
  }

  /** Returns the order in which the elements of a tensor with these rows lie. */
  ElementOrder order(Shape row) {
    return operands() == DType.BFLOAT16 ? ElementOrder.channelsLast(row) : ElementOrder.ROW_MAJOR;
  }

  /** Returns the lane of a branch, which is opened when it is first needed. */
  ComputeLane lane(Branch branch) {
    return lanes.computeIfAbsent(
        branch,
        opened ->
            scope.own(
                ComputeLane.open(context, engine, math, opened.name().toLowerCase(Locale.ROOT))));
  }

  /** Returns the stream in which steps, copies and fills follow each other. */
  CudaStream stream() {
    return lane(Branch.MAIN).stream();
  }

  HostStaging staging() {
    return staging;
  }

  /** Brings a data set to the GPU, which takes as much memory with any batch size. */
  CudaDataset upload(Shape imageShape, ByteBuffer images, byte[] labels) {
    context.memory().advise(OTHER_MEMORY);
    try {
      return new CudaDataset(this, imageShape, images, labels);
    } finally {
      context.memory().advise(SMALLER_BATCH);
    }
  }

  /**
   * Opens the libraries that steps call, which take memory that no plan can know: as much with any
   * batch size.
   */
  void openLibraries() {
    boolean ownLayers = options.layers() == Layers.FUSED;
    boolean ownConvolutions = ownLayers && math == MathMode.TF32;
    boolean epilogues = ownLayers && !math.multipliesBfloat16() && engine.cublasLt() != null;
    context.memory().advise(OTHER_MEMORY);
    try {
      for (Branch branch : Branch.values()) {
        ComputeLane lane = lane(branch);
        if (!ownConvolutions) {
          lane.cudnn();
        }
        if (epilogues) {
          lane.cublasLt();
        } else {
          lane.cublas();
        }
      }
    } finally {
      context.memory().advise(SMALLER_BATCH);
    }
  }

  /** Allocates memory for as long as the backend is open, zero at first. */
  DeviceBuffer allocate(String name, long byteSize) {
    DeviceBuffer buffer = scope.own(context.memory().allocate(name, byteSize));
    stream().clear(buffer);
    return buffer;
  }

  /** Allocates zeroed float32 elements, padded to 16 bytes. */
  DeviceSpan floats(String name, long elements) {
    return elements(name, elements, DType.FLOAT32);
  }

  /** Allocates zeroed elements, padded to 16 bytes. */
  DeviceSpan elements(String name, long count, DType type) {
    DeviceBuffer buffer = allocate(name, Math.ceilDiv(count * type.bytes(), 16) * 16);
    return new DeviceSpan(buffer, 0, count * type.bytes());
  }

  /** Returns {@code count} ones of the operand type; do not write to them. */
  DeviceSpan ones(int count) {
    long bytes = (long) count * operands().bytes();
    if (ones == null || ones.byteSize() < bytes) {
      // What was captured keeps the shorter ones.
      ones = allocate("ones", bytes);
      MemorySegment piece = ofOnes((int) (Math.min(bytes, STAGING_BYTES) / operands().bytes()));
      for (long begin = 0; begin < bytes; begin += piece.byteSize()) {
        long size = Math.min(piece.byteSize(), bytes - begin);
        staging.copyToDevice(piece.asSlice(0, size), ones, begin);
      }
    }
    return new DeviceSpan(ones, 0, bytes);
  }

  private MemorySegment ofOnes(int count) {
    if (operands() == DType.BFLOAT16) {
      short[] halves = new short[count];
      Arrays.fill(halves, Bfloat16.ONE);
      return MemorySegment.ofArray(halves);
    }
    float[] singles = new float[count];
    Arrays.fill(singles, 1);
    return MemorySegment.ofArray(singles);
  }

  /** Prepares a launch, whose arguments are bound next. A kernel is loaded when first needed. */
  KernelLaunch prepare(KernelSignature kernel, KernelSizes sizes) {
    return kernels.computeIfAbsent(kernel, this::load).function(kernel).prepare(sizes);
  }

  private KernelLibrary load(KernelSignature kernel) {
    try {
      return scope.own(KernelLibrary.load(context, List.of(kernel)));
    } catch (DistillException e) {
      throw e.exitCode() == ExitCode.DEVICE && !context.isLost()
          ? e.with("; or use --device cpu")
          : e;
    }
  }

  /**
   * Waits for all work in the main stream.
   *
   * @throws io.github.distillcuda.failure.DistillException DEVICE if the GPU is lost or does not
   *     get there in time
   */
  void finish() {
    watchdog.await(stream());
  }

  /** Waits for all work in both branches. */
  void finishBranches() {
    for (ComputeLane lane : lanes.values()) {
      watchdog.await(lane.stream());
    }
  }

  /** Returns which algorithms of the libraries are used. */
  AlgorithmChoices algorithms() {
    return algorithms;
  }

  /** Creates an event that orders work, for as long as the backend is open. */
  CudaEvent event() {
    return scope.own(CudaEvent.create(context, "edge"));
  }

  /** Frees everything; a second call does nothing. */
  @Override
  public void close() {
    if (lifetime.close()) {
      try (scope) {
        if (!context.isLost()) {
          context.makeCurrent();
          // Memory that a step is still using must not be freed under it.
          finishBranches();
        }
      }
    }
  }
}
