package io.github.distillcuda.bench;

import java.util.List;
import java.util.Map;

/**
 * The most multiply-adds a second, two operations each, that NVIDIA states for a GPU without
 * sparsity: "H100 Tensor Core GPU" and "H200 Tensor Core GPU" datasheets, the SXM form; float32 is
 * that of the CUDA cores, and the tensor cores' figures are half of those with sparsity.
 */
public final class PeakRates {
  private static final Map<String, Double> SXM = Map.of("fp32", 67.0, "tf32", 494.5, "bf16", 989.5);

  /** As the driver calls them. */
  private static final List<String> DEVICES = List.of("NVIDIA H100 80GB HBM3", "NVIDIA H200");

  private PeakRates() {}

  /**
   * Returns 10^12 operations a second.
   *
   * @param device the name of a GPU
   * @param precision of the products: fp32, tf32 or bf16
   * @return 0 where none is stated here: floors are then those of the bytes alone
   */
  public static double teraflops(String device, String precision) {
    return DEVICES.contains(device) ? SXM.getOrDefault(precision, 0.0) : 0;
  }
}
