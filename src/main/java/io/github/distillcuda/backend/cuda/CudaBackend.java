package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;

/** An NVIDIA GPU: steps are CUDA graphs of cuDNN, cuBLAS and kernels of ours, in float32, NCHW. */
public final class CudaBackend implements Backend {
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
    session = new CudaSession(engine, ordinal, options);
    info =
        new BackendInfo(
            "%s, %s".formatted(session.context().device(), engine.versions()),
            engine.name(),
            session.math().toString(),
            options.kernels().toString(),
            options.layers().toString());
  }

  @Override
  public BackendInfo info() {
    return info;
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
  public ResidentDataset upload(Shape imageShape, byte[] images, byte[] labels) {
    session.check();
    return new CudaDataset(session, imageShape, images, labels);
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
