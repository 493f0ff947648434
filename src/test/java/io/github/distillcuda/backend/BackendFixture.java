package io.github.distillcuda.backend;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Opens backends of one kind for a test, and closes them. */
abstract class BackendFixture implements ContractFixture {
  private final ContractTolerances tolerances;
  private final List<Backend> opened = new ArrayList<>();

  BackendFixture(ContractTolerances tolerances) {
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
