package io.github.distillcuda.backend;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What every backend must do, whatever it computes on: each operation of the SPI forward and
 * backward against PyTorch, and the rules of state, determinism and NaN. The topics are the
 * interfaces; a backend joins with a subclass.
 */
abstract class BackendContractTest
    implements TransferContract,
        GatherContract,
        LayerContract,
        LossContract,
        LossPropertyContract,
        AdamContract,
        StateContract,
        NonFiniteContract,
        LifetimeContract {
  private final ContractTolerances tolerances;
  private final List<Backend> opened = new ArrayList<>();

  BackendContractTest(ContractTolerances tolerances) {
    this.tolerances = tolerances;
  }

  /** Opens a backend of the kind under test. */
  abstract Backend open(BackendOptions options);

  @BeforeEach
  void openBackend() {
    another();
  }

  @AfterEach
  void closeBackends() {
    opened.forEach(Backend::close);
  }

  @Override
  public final Backend backend() {
    return opened.getFirst();
  }

  @Override
  public final Backend another() {
    Backend backend = open(BackendOptions.DEFAULT);
    opened.add(backend);
    return backend;
  }

  @Override
  public final ContractTolerances tolerances() {
    return tolerances;
  }
}
