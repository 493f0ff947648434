package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.DeviceKind;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.host.HostStepState;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.OnednnLibrary;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The CPU: oneDNN's primitives in float32, or on bfloat16 operands, and the rest of the step in
 * Java, on one thread of the program and as many of OpenMP as it was given.
 */
public final class OnednnBackend implements Backend {
  private final OnednnContext context;
  private final BackendInfo info;
  private final Path libraryFolder;
  private final int vectorFloats;

  /**
   * Loads oneDNN and prepares it for the calling thread.
   *
   * @throws DistillException if the library is not in the program's jar, cannot be unpacked or
   *     cannot be loaded; {@link ExitCode#USAGE} if the processor lacks the precision
   */
  public OnednnBackend(BackendOptions options) {
    int threads =
        options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    OnednnLibrary library = OnednnLibrary.load();
    libraryFolder = library.folder();
    int isa = library.onednn().dnnl_get_effective_cpu_isa();
    vectorFloats = InstructionSet.vectorFloats(isa);
    DType operands = operandType(options.precision(), isa);
    context = new OnednnContext(library, threads, options.deterministic(), operands);
    String device =
        "cpu (oneDNN %s, %s, %d %s)"
            .formatted(
                library.onednn().dnnl_version(),
                InstructionSet.name(isa),
                threads,
                threads == 1 ? "thread" : "threads");
    String precision = operands == DType.BFLOAT16 ? "bf16" : "fp32";
    info = new BackendInfo(device, "panama", precision, "fused", "onednn");
  }

  /**
   * Returns the type of the operands on a processor with this instruction set. Where oneDNN would
   * emulate bfloat16 it is slower than float32, so that is refused.
   */
  static DType operandType(Precision precision, int isa) {
    return switch (precision) {
      case AUTO, FP32 -> DType.FLOAT32;
      case TF32 -> throw lacks(precision, "tf32 is for --device cuda");
      case BF16 -> {
        if (!InstructionSet.hasBfloat16(isa)) {
          throw lacks(
              precision,
              "it needs avx512_core_bf16, this processor has " + InstructionSet.name(isa));
        }
        yield DType.BFLOAT16;
      }
    };
  }

  private static DistillException lacks(Precision precision, String reason) {
    return new DistillException(
        ExitCode.USAGE,
        "--device cpu --precision %s: %s; use --precision fp32".formatted(precision, reason));
  }

  @Override
  public DeviceKind kind() {
    return DeviceKind.CPU;
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public Map<String, String> details() {
    return Map.of("libraries", libraryFolder.toString());
  }

  @Override
  public int mostRows(List<LayerSpec> layers) {
    context.check();
    int most = Backend.super.mostRows(layers);
    for (LayerSpec layer : layers) {
      if (layer instanceof ConvolutionSpec convolution) {
        most = Math.min(most, mostPooledRows(convolution));
      }
    }
    return most;
  }

  /**
   * From 2 GiB on, channels filled up to whole vectors, oneDNN has its reference implementation of
   * pooling alone.
   */
  private int mostPooledRows(ConvolutionSpec layer) {
    Shape product = layer.productShape();
    int channels = Math.ceilDiv(product.extent(0), vectorFloats) * vectorFloats;
    long pixels = (long) product.extent(1) * product.extent(2);
    return (int) (Integer.MAX_VALUE / (channels * pixels * context.operandType().bytes()));
  }

  @Override
  public ParameterArena createParameters(List<LayerSpec> layers, int batch, boolean trainable) {
    context.check();
    List<Long> weights = new LayerPlanner(context).chooseWeights(layers, batch, trainable);
    return new OnednnParameterArena(context, layers, weights, trainable);
  }

  @Override
  public Tensor createTensor(String name, Shape shape) {
    context.check();
    long plain = context.plain(LayerPlanner.dims(shape));
    return new OnednnTensor(context, name, shape, plain, plain, context.allocate(plain));
  }

  @Override
  public DType dtype() {
    return DType.FLOAT32;
  }

  @Override
  public ResidentDataset upload(Shape imageShape, ByteBuffer images, byte[] labels) {
    context.check();
    return new OnednnDataset(imageShape, images, labels);
  }

  @Override
  public LogitsTable createLogitsTable(int rows, int classes) {
    context.check();
    return new OnednnLogitsTable(context, rows, classes);
  }

  @Override
  public StepState createState() {
    context.check();
    return new HostStepState(context::check);
  }

  @Override
  public StepRecorder record(int batch) {
    context.check();
    return new OnednnRecorder(context, batch);
  }

  @Override
  public void close() {
    context.close();
  }
}
