package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeviceScopeTest {
  private final List<String> closed = new ArrayList<>();

  @Test
  void theLastOneIsClosedFirstAndEachOnce() {
    DeviceScope scope = new DeviceScope();
    scope.own(() -> closed.add("a"));
    scope.own(() -> closed.add("b"));
    scope.own(() -> closed.add("c"));
    scope.close();
    scope.close();
    assertThat(closed).containsExactly("c", "b", "a");
  }

  @Test
  void aFailureDoesNotKeepTheOthersOpen() {
    DeviceScope scope = new DeviceScope();
    IllegalStateException first = new IllegalStateException("c");
    IOException second = new IOException("a");
    scope.own(() -> fail("a", second));
    scope.own(() -> closed.add("b"));
    scope.own(() -> fail("c", first));
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(scope::close)
        .isSameAs(first)
        .satisfies(
            e ->
                assertThat(e.getSuppressed())
                    .singleElement()
                    .satisfies(suppressed -> assertThat(suppressed).hasCause(second)));
    assertThat(closed).containsExactly("c", "b", "a");
  }

  @Test
  void whatIsReleasedStaysOpen() {
    DeviceScope scope = new DeviceScope();
    AutoCloseable kept = scope.own(() -> closed.add("kept"));
    scope.own(() -> closed.add("b"));
    assertThat(scope.release(kept)).isSameAs(kept);
    scope.close();
    assertThat(closed).containsExactly("b");
    assertThatIllegalArgumentException().isThrownBy(() -> scope.release(kept));
  }

  private void fail(String name, Exception failure) throws Exception {
    closed.add(name);
    throw failure;
  }
}
