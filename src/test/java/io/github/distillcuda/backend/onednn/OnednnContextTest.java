package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.ffi.OnednnLibrary;
import io.github.distillcuda.tensor.DType;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class OnednnContextTest {
  /** What was closed before fails to close, as an arena does at the second time. */
  @Test
  void closingGoesOnAfterAFailure() {
    OnednnContext context = new OnednnContext(OnednnLibrary.load(), 1, true, DType.FLOAT32);
    MemorySegment memory = context.allocate(context.plain(4));
    Scratchpad first = context.lane().scratchpad();
    for (Lane lane : new Lane[] {context.createLane(), context.createLane()}) {
      lane.scratchpad().close();
    }

    assertThatIllegalStateException()
        .isThrownBy(context::close)
        .withMessageContaining("closed")
        .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(1));

    assertThatIllegalStateException().isThrownBy(first::close).withMessageContaining("closed");
    assertThat(memory.scope().isAlive()).isFalse();
    context.close();
  }
}
