package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.DeviceKind;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;

/**
 * The backend that the others are judged by: plain Java loops in float64 on one thread, always
 * deterministic. Slow, and needs nothing but a JVM.
 *
 * <p>Use after {@link #close()} or from another thread is an {@link IllegalStateException}; what
 * another backend created is an {@link IllegalArgumentException}.
 */
public final class ReferenceBackend implements Backend {
  private final Lifetime lifetime = new Lifetime("the reference backend");

  /**
   * A backend that belongs to the calling thread.
   *
   * @param options accepted as they are: one thread suffices, and every run is deterministic
   */
  public ReferenceBackend(BackendOptions options) {
    Objects.requireNonNull(options, "options");
  }

  @Override
  public DeviceKind kind() {
    return DeviceKind.REFERENCE;
  }

  @Override
  public BackendInfo info() {
    return new BackendInfo("reference (plain Java, float64)", "java", "fp64", "fused", "java");
  }

  @Override
  public boolean alwaysDeterministic() {
    return true;
  }

  @Override
  public ParameterArena createParameters(List<LayerSpec> layers, int batch, boolean trainable) {
    lifetime.check();
    if (batch < 1) {
      throw new IllegalArgumentException("parameters for a batch of " + batch + " rows");
    }
    return new ReferenceArena(lifetime, layers, trainable);
  }

  @Override
  public Tensor createTensor(String name, Shape shape) {
    lifetime.check();
    return new ReferenceTensor(lifetime, name, shape);
  }

  @Override
  public DType dtype() {
    return DType.FLOAT64;
  }

  @Override
  public ResidentDataset upload(Shape imageShape, ByteBuffer images, byte[] labels) {
    lifetime.check();
    return new ReferenceDataset(lifetime, imageShape, images, labels);
  }

  @Override
  public LogitsTable createLogitsTable(int rows, int classes) {
    lifetime.check();
    return new ReferenceLogitsTable(lifetime, rows, classes);
  }

  @Override
  public StepState createState() {
    lifetime.check();
    return new ReferenceState(lifetime);
  }

  @Override
  public StepRecorder record(int batch) {
    lifetime.check();
    return new ReferenceRecorder(lifetime, batch);
  }

  @Override
  public void close() {
    lifetime.close();
  }
}
