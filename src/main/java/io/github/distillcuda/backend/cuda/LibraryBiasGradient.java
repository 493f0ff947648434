package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.ColumnSumPlan;
import io.github.distillcuda.cuda.dnn.BiasReluPlan;
import io.github.distillcuda.cuda.dnn.ImageFormat;
import io.github.distillcuda.cuda.dnn.ImageShape;
import io.github.distillcuda.tensor.DType;

/**
 * The gradient of a bias by the libraries: by cuBLAS where channels lie last, which makes columns
 * of them, else by cuDNN.
 */
final class LibraryBiasGradient {
  private LibraryBiasGradient() {}

  /**
   * Records it in the side branch.
   *
   * @param shape of the product
   * @param productGradient the gradient of what the bias was added to
   */
  static void record(CudaLayer.Place place, ImageShape shape, CudaTensor productGradient) {
    Recording recording = place.recording();
    DeviceSpan dy = productGradient.span();
    DeviceSpan db = place.biasGradient().span();
    Runnable call = plan(recording, shape, dy, db);
    recording.reads(Branch.SIDE, productGradient);
    recording.library(Branch.SIDE, place.work(LayerWork.BIAS_GRADIENT), call, place.biasGradient());
  }

  private static Runnable plan(
      Recording recording, ImageShape shape, DeviceSpan dy, DeviceSpan db) {
    ComputeLane lane = recording.lane(Branch.SIDE);
    CudaSession session = recording.session();
    int pixels = shape.height() * shape.width();
    if (session.operands() == DType.BFLOAT16 || pixels == 1) {
      int rows = Math.multiplyExact(shape.batch(), pixels);
      ColumnSumPlan columns = new ColumnSumPlan(lane, rows, shape.channels(), session.ones(rows));
      return () -> columns.sum(dy, db);
    }
    BiasReluPlan bias = recording.own(new BiasReluPlan(lane, shape, ImageFormat.NCHW_FLOAT32));
    return () -> bias.biasGradient(dy, db);
  }
}
