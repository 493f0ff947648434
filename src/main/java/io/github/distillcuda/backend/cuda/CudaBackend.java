package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.DeviceKind;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.cuda.DeviceMemory;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** An NVIDIA GPU: steps are CUDA graphs of cuDNN, cuBLAS and kernels of ours. */
public final class CudaBackend implements Backend {
  /** A step takes well under a second, and hosts wait after every few dozen of them. */
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  private final CudaSession session;
  private final BackendInfo info;

  /**
   * Opens a GPU for the calling thread.
   *
   * @param engine the libraries, the driver initialised
   * @param ordinal the GPU's number, from 0
   * @throws io.github.distillcuda.failure.DistillException DEVICE if there is no such GPU or it
   *     lacks what was asked for, DEVICE_MEMORY if there is no room on it
   */
  public CudaBackend(CudaEngine engine, int ordinal, BackendOptions options) {
    this(engine, ordinal, options, PATIENCE);
  }

  /**
   * As above, with another watchdog limit.
   *
   * @param patience after how long without an end the work counts as hung, and the GPU as lost
   */
  public CudaBackend(CudaEngine engine, int ordinal, BackendOptions options, Duration patience) {
    // Asked for first: what fails after the session is open would have to close it.
    String versions = engine.versions();
    session = new CudaSession(engine, ordinal, options, patience);
    info =
        new BackendInfo(
            "%s, %s".formatted(session.context().device(), versions),
            engine.name(),
            session.math().toString(),
            options.kernels().toString(),
            options.layers().toString());
  }

  @Override
  public DeviceKind kind() {
    return DeviceKind.CUDA;
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public Map<String, String> details() {
    session.check();
    DeviceMemory memory = session.context().memory();
    return Map.of("memory", memory.account());
  }

  @Override
  public Map<String, String> algorithms() {
    return session.algorithms().all();
  }

  @Override
  public void reuseAlgorithms(Map<String, String> algorithms, Consumer<String> note) {
    session.check();
    session.algorithms().reuse(algorithms, note);
  }

  @Override
  public void requireRoom(List<PlannedModel> models, int batch, Consumer<String> note) {
    session.check();
    new RunMemory(models, session.options().layers(), session.math())
        .requireRoom(session, batch, note);
  }

  @Override
  public ParameterArena createParameters(List<LayerSpec> layers, int batch, boolean trainable) {
    session.check();
    return new CudaParameterArena(session, layers, trainable);
  }

  @Override
  public Tensor createTensor(String name, Shape shape) {
    session.check();
    return new CudaTensor(session, name, shape, session.floats(name, shape.elements()));
  }

  @Override
  public DType dtype() {
    return DType.FLOAT32;
  }

  @Override
  public ResidentDataset upload(Shape imageShape, ByteBuffer images, byte[] labels) {
    session.check();
    return session.upload(imageShape, images, labels);
  }

  @Override
  public LogitsTable createLogitsTable(int rows, int classes) {
    session.check();
    return new CudaLogitsTable(session, rows, classes);
  }

  @Override
  public StepState createState() {
    session.check();
    return new CudaStepState(session);
  }

  @Override
  public StepRecorder record(int batch) {
    session.check();
    return new CudaRecorder(session, batch);
  }

  @Override
  public void close() {
    session.close();
  }
}
