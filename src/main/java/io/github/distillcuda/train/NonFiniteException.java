package io.github.distillcuda.train;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;

/** Training met a NaN or an infinity; carries what the model and its optimizer had then. */
public final class NonFiniteException extends DistillException {
  private static final long serialVersionUID = 1L;

  private final transient NonFiniteState state;

  NonFiniteException(NonFiniteState state) {
    super(ExitCode.NOT_FINITE, state.place());
    this.state = state;
  }

  NonFiniteState state() {
    return state;
  }
}
