package io.github.distillcuda.backend;

/** What a topic of the contract suite is tested on; {@link BackendFixture} provides it. */
interface ContractFixture {
  /** Returns the backend of this test, open. */
  Backend backend();

  /** Returns one more of the same kind, open. */
  Backend another();

  /** Returns how far its results may be from PyTorch's. */
  ContractTolerances tolerances();
}
