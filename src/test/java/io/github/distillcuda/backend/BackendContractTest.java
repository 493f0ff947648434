package io.github.distillcuda.backend;

/**
 * What every backend must do, whatever it computes on: each operation of the SPI forward and
 * backward against PyTorch, and the rules of state, determinism and NaN. The topics are the
 * interfaces; a backend joins with a subclass.
 */
abstract class BackendContractTest extends BackendFixture
    implements TransferContract,
        GatherContract,
        LayerContract,
        LossContract,
        LossPropertyContract,
        AdamContract,
        StateContract,
        NonFiniteContract,
        LifetimeContract {
  BackendContractTest(ContractTolerances tolerances) {
    super(tolerances);
  }
}
