package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.cuda.DeviceSpan;

/** One of the ways to compute a layer: records its forward and its backward pass, once each. */
interface CudaLayer {
  /**
   * Records the forward pass in the branch of its place.
   *
   * @return the output, [N, ...outputShape]
   */
  CudaTensor forward();

  /**
   * Records the backward pass: in the main branch what leads to the input, in the other the rest.
   *
   * @param output what {@link #forward} returned; not written to
   * @param gradient of the output, of its shape, as products read it; not written to
   * @return the gradient of the input, [N, ...inputShape]; null unless wanted
   */
  CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient);

  /**
   * What a layer is recorded with.
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
    private int weightIndex() {
      return 2 * parameters.indexOf(layer);
    }

    /** Returns the weight as float32, in the arena's order. */
    CudaTensor weight() {
      return (CudaTensor) parameters.values().get(weightIndex());
    }

    /** Returns the weight in the type of operands. */
    DeviceSpan weightOperand() {
      return parameters.operand(weightIndex());
    }

    /** Returns the bias as float32. */
    CudaTensor bias() {
      return (CudaTensor) parameters.values().get(weightIndex() + 1);
    }

    /** Returns the bias in the type of operands. */
    DeviceSpan biasOperand() {
      return parameters.operand(weightIndex() + 1);
    }

    /** Returns where the backward pass leaves the gradient of the weight, as float32. */
    CudaTensor weightGradient() {
      return (CudaTensor) parameters.gradients().get(weightIndex());
    }

    /** Returns where the backward pass leaves the gradient of the bias, as float32. */
    CudaTensor biasGradient() {
      return (CudaTensor) parameters.gradients().get(weightIndex() + 1);
    }

    /**
     * Returns the name under which {@link AlgorithmChoices} has a product; networks have layers of
     * one name and different widths. Checkpoints keep it, and a resumed run looks for it: its words
     * stay as they are.
     *
     * @param in channels or features of the input
     * @param out those of the output
     */
    String algorithmName(int in, int out, String product) {
      return "%s %d -> %d, %s, batch %d"
          .formatted(layer.name(), in, out, product, recording.batch());
    }

    /** Returns what an operation does for the layer. */
    Work.OfLayer work(LayerWork kind) {
      return new Work.OfLayer(this, kind);
    }

    /** Returns a name for messages, such as {@code conv1 product}. */
    String name(String what) {
      return layer.name() + " " + what;
    }
  }
}
