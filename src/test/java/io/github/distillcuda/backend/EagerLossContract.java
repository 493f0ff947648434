package io.github.distillcuda.backend;

import java.util.Set;

/** The contract of a loss by the operations of PyTorch's eager mode, NaN where PyTorch has it. */
interface EagerLossContract extends LossContract {
  /**
   * PyTorch 2.13 in float32 gives NaN for these, as T^2*KL of the first two and as gradient of the
   * others: z/T that overflows, 0 times -inf, and 0 times NaN in a row that does not count.
   */
  Set<String> NOT_A_NUMBER =
      Set.of("a quotient that overflows", "both -inf", "no label and inf", "no label and NaN");

  @Override
  default boolean isNotANumber(AdversarialLoss golden) {
    return NOT_A_NUMBER.contains(golden.name());
  }
}
