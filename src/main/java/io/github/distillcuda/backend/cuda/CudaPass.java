package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.cuda.DeviceSpan;

/** A recorded forward pass. */
interface CudaPass extends LayerPass {
  /** Returns whether a backward pass may follow. */
  boolean training();

  @Override
  CudaTensor output();

  /**
   * Records the backward pass: in the main branch what leads to the input, in the other the rest.
   *
   * @param gradient of the output; not written to
   * @return the gradient of the input; null unless wanted
   */
  CudaTensor backward(CudaTensor gradient, boolean wantInputGradient);

  /**
   * What a pass has to do with.
   *
   * @param recording where it is recorded
   * @param branch where its forward pass runs
   * @param layer the layer
   * @param parameters the arena of its weight and bias
   * @param input [N, ...inputShape]
   * @param training whether a backward pass may follow
   */
  record Place(
      Recording recording,
      Branch branch,
      LayerSpec layer,
      CudaParameterArena parameters,
      CudaTensor input,
      boolean training) {
    /** Returns the weight as float32. */
    CudaTensor weight() {
      return (CudaTensor) parameters.values().get(2 * parameters.indexOf(layer));
    }

    /** Returns the weight in the type of operands. */
    DeviceSpan weightOperand() {
      return parameters.operand(2 * parameters.indexOf(layer));
    }

    /** Returns the bias as float32. */
    CudaTensor bias() {
      return (CudaTensor) parameters.values().get(2 * parameters.indexOf(layer) + 1);
    }

    /** Returns the bias in the type of operands. */
    DeviceSpan biasOperand() {
      return parameters.operand(2 * parameters.indexOf(layer) + 1);
    }

    CudaTensor weightGradient() {
      return (CudaTensor) parameters.gradients().get(2 * parameters.indexOf(layer));
    }

    CudaTensor biasGradient() {
      return (CudaTensor) parameters.gradients().get(2 * parameters.indexOf(layer) + 1);
    }

    String name(String what) {
      return layer.name() + " " + what;
    }
  }
}
