package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.gpu.OnGpu;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two ways down to the same calls: JCuda has no cublasLt, so that both take plain cuBLAS. */
@OnGpu
class GpuBindingsTest {
  private static final int STEPS = 20;

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "TF32"})
  void panamaAndJcudaGiveTheSameBits(Precision precision) {
    Numbers.assertSameBits(
        trained(precision, Engine.JCUDA),
        trained(precision, Engine.PANAMA),
        "parameters after " + STEPS + " steps");
  }

  private static double[] trained(Precision precision, Engine engine) {
    BackendOptions options =
        new BackendOptions(0, true, Kernels.FUSED, Layers.CUDNN, precision, engine);
    try (Backend backend = new Backends().select(new DeviceRequest.Cuda(0), options, line -> {})) {
      GoldenTraining training = new GoldenTraining(backend, Teacher.RECOMPUTED);
      for (int step = 0; step < STEPS; step++) {
        training.step();
      }
      return training.parameters();
    }
  }
}
