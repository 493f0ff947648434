package io.github.distillcuda.backend;

/**
 * How far a backend may be from float64 PyTorch: an operation a component, a backend a constant.
 * What only moves numbers (gather, store, transfers), counts, maxima and sums of whole numbers must
 * agree to the bit and are not here.
 *
 * <p>Every component is a multiple of a scale. A rounding error is relative to the numbers that
 * were rounded, not to a result in which they may have cancelled.
 *
 * @param epsilon spacing of the backend's numbers at 1
 * @param operand what layers hand to each other, beside {@code product}: half a unit in its last
 *     place, 0 where it holds whole numbers as float32 does; scale: itself
 * @param product one layer forward and backward; scale: the same sums over absolute values
 * @param distillation T^2*KL; scale: itself
 * @param distillationFloor T^2*KL where it is nearly nothing; scale: T^2, but at most 1
 * @param crossEntropy cross-entropy; scale: 1 + largest less smallest logit
 * @param lossGradient gradient of a row of logits; scale: the largest elements of its two parts,
 *     added
 * @param adam one step on a parameter, beside two units in its last place; scale: the learning rate
 * @param moments Adam's moments after ten steps; scale: the largest gradient, and its square
 * @param network logits and loss through all four layers; scale: the largest logit, the loss
 * @param networkGradient gradients through all four layers; scale: the largest element of the same
 *     parameter; where factors are rounded, the norm of their error over that of the parameter's
 * @param textbook what a loss adds that is computed from rounded probabilities, which cancel; 0 for
 *     forms in which nothing does; scales: {@link #textbookLoss}, {@link #textbookGradient}
 * @param winograd what Winograd's transforms add to a sum of the filters' gradient; 0 for sums of
 *     products as they are; scale: {@link #winogradGradient}
 */
record ContractTolerances(
    double epsilon,
    double operand,
    double product,
    double distillation,
    double distillationFloor,
    double crossEntropy,
    double lossGradient,
    double adam,
    double moments,
    double network,
    double networkGradient,
    double textbook,
    double winograd) {
  /** Float64 in plain loops: where a bound is above 1e-14, PyTorch's own rounding sets it. */
  static final ContractTolerances REFERENCE =
      new ContractTolerances(
          0x1p-52,
          0,
          // At worst half a unit for each of 153 products, 1.7e-14; errors average out to 1e-16.
          2e-15,
          // PyTorch adds terms of either sign to a KL of 1e-3 and less, and keeps 12 digits.
          2e-12,
          1e-15,
          1e-14,
          // T*(p - q) likewise.
          1e-12,
          1e-14,
          1e-14,
          1e-13,
          1e-13,
          0,
          0);

  /** Float32 layers and Adam; the loss in double, rounded to float32 at its end. */
  static final ContractTolerances ONEDNN =
      new ContractTolerances(
          0x1p-23,
          0,
          // At worst half a unit for each of 153 products, 9e-6; errors average out to 2e-7.
          1e-6,
          2e-12,
          1e-15,
          1e-14,
          // One rounding, 6e-8.
          1e-7,
          // lr/(1-beta1^t), sqrt, two divisions and the product, half a unit each: 3e-7.
          1e-6,
          // Four units: new errors come in slower than old ones fade.
          5e-7,
          // Four layers of 2e-7 each; PyTorch in float32 has 1e-7.
          1e-6,
          // Eight layers and the loss between them; PyTorch in float32 has 2e-6.
          1e-5,
          0,
          0);

  /**
   * Operands of products in bfloat16, of 8 bits, and everything else as in {@link #ONEDNN}. The two
   * factors of a product and the result are rounded, by 2^-8 of themselves at most.
   */
  static final ContractTolerances ONEDNN_BF16 =
      new ContractTolerances(
          0x1p-23,
          0x1p-8,
          // At worst both factors of every product.
          0x1p-7,
          2e-12,
          1e-15,
          1e-14,
          1e-7,
          1e-6,
          5e-7,
          // Four layers of 2^-7 each.
          0x1p-5,
          // Where two of a pooling window are within a rounding, the gradient may go to the other:
          // four times the 6e-2 that were measured.
          0x1p-2,
          0,
          0);

  /**
   * Float32 throughout, sums of rows in double: every row of the loss is float32 too. Bounds of the
   * loss are those of its kernels, which hold for the approximate instructions of every GPU.
   */
  static final ContractTolerances CUDA =
      new ContractTolerances(
          0x1p-23,
          0,
          1e-6,
          1e-5,
          1e-12,
          2e-6,
          1e-5,
          1e-6,
          5e-7,
          // The row's loss beside the four layers; 4e-7 is what the emulated device has.
          2e-6,
          1e-5,
          0,
          0);

  /** The same with a chain of kernels, which has its softmaxes in float32. */
  static final ContractTolerances CUDA_UNFUSED = CUDA.withTextbook(4 * 0x1p-23);

  /** Factors of products in TF32, of 11 bits, and everything else as in {@link #CUDA}. */
  static final ContractTolerances CUDA_TF32 =
      new ContractTolerances(
          0x1p-23,
          0,
          // At worst both factors of every product, by 2^-10 each where a library cuts them off as
          // Hopper's wgmma does, and not by 2^-11 as cvt.rna does.
          0x1p-9,
          1e-5,
          1e-12,
          2e-6,
          1e-5,
          1e-6,
          5e-7,
          // Four layers of 2^-9 each.
          0x1p-7,
          // As in bfloat16: four times the 3.2e-2 of an emulated device that cuts factors off; one
          // that rounds them has 6e-3.
          0x1p-3,
          0,
          0);

  /**
   * The same where gradients of filters are cuDNN's Winograd, F(3x3, 4x4), in float32: not even
   * whole numbers stay exact in transforms with thirds. In one direction the transforms have up to
   * 160/3 in absolute values where the sum has four products of 1, so that half a unit in the last
   * place of float32 is worth {@code (160/3)^2/16} = 178 of the sum's at worst. Each transform and
   * each addition errs so; the emulated device has 5e-7 of the scale, of the 1.1e-5 that this is.
   */
  static final ContractTolerances CUDA_TF32_CUDNN =
      CUDA_TF32.withWinograd(160 / 3.0 * (160 / 3.0) / 16 * 0x1p-24);

  /** Operands of products in bfloat16, as in {@link #ONEDNN_BF16}, and everything else as above. */
  static final ContractTolerances CUDA_BF16 =
      new ContractTolerances(
          0x1p-23, 0x1p-8, 0x1p-7, 1e-5, 1e-12, 2e-6, 1e-5, 1e-6, 5e-7, 0x1p-5, 0x1p-2, 0, 0);

  private ContractTolerances withTextbook(double units) {
    return new ContractTolerances(
        epsilon,
        operand,
        product,
        distillation,
        distillationFloor,
        crossEntropy,
        lossGradient,
        adam,
        moments,
        // The loss that is compared with the network's is the textbook's too.
        network + 4 * units,
        networkGradient,
        units,
        winograd);
  }

  private ContractTolerances withWinograd(double growth) {
    return new ContractTolerances(
        epsilon,
        operand,
        product,
        distillation,
        distillationFloor,
        crossEntropy,
        lossGradient,
        adam,
        moments,
        network,
        networkGradient,
        textbook,
        growth);
  }

  /**
   * Returns what Winograd may add to an element of a weight's gradient, which in a convolution is a
   * sum of one product for each pooling window.
   *
   * @param largest the largest factor
   */
  double winogradGradient(LayerSpec layer, int batch, double largest) {
    return layer instanceof ConvolutionSpec convolution
        ? winograd
            * batch
            * (convolution.height() / 2 * convolution.width() / 2)
            * largest
            * largest
        : 0;
  }

  /**
   * Returns what the textbook's sum of {@code T^2*q*(log q - log p)} adds to one row: its terms are
   * rounded, of which q*log q adds up to log C, and so are the logits before they are divided by T.
   *
   * @param largest the largest finite logit of either model, without its sign
   */
  double textbookLoss(double temperature, int classes, double largest) {
    return textbook * temperature * (2 * temperature * Math.log(classes) + largest);
  }

  /** Returns what {@code T*(p - q)} of rounded probabilities adds to an element of one row. */
  double textbookGradient(double temperature, double largest) {
    return textbook * (temperature + largest);
  }
}
