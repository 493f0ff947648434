package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.FunctionDescriptor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnednnApiTest {
  private final OnednnApi api = OnednnLibrary.load().onednn();

  @Test
  void isTheVersionThatTheTableWasWrittenFor() {
    assertThat(api.dnnl_version()).isEqualTo("3.13.0");
  }

  @Test
  void aFailureShowsFunctionArgumentsAndStatusByNameAndNumber() {
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(() -> api.dnnl_engine_create(OnednnConstants.CPU, 7))
        .withMessage("dnnl_engine_create(kind=1, index=7) failed: invalid_arguments (2)")
        .matches(e -> e.code() == 2);
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(
            () ->
                api.dnnl_memory_desc_create_with_tag(
                    new long[] {2, -3}, OnednnConstants.F32, OnednnConstants.FORMAT_AB))
        .withMessageStartingWith("dnnl_memory_desc_create_with_tag(dims=[2, -3], ");
  }

  @Test
  void memoryOfABlockedOrderCountsItsPadding() {
    long descriptor =
        api.dnnl_memory_desc_create_with_tag(
            new long[] {2, 3, 4, 5}, OnednnConstants.F32, OnednnConstants.FORMAT_ABCD);
    assertThat(api.dnnl_memory_desc_get_size(descriptor)).isEqualTo(2 * 3 * 4 * 5 * 4);
    assertThat(api.dnnl_memory_desc_equal(descriptor, descriptor)).isTrue();
    api.destroy(OnednnApi.Kind.MEMORY_DESC, descriptor);
  }

  @Test
  void aFileThatCannotBeLoadedFailsWithTheLoadersReason(@TempDir Path folder) {
    assertThatExceptionOfType(UnsatisfiedLinkError.class)
        .isThrownBy(() -> SharedLibrary.open(folder.resolve("absent.so")))
        .withMessageContaining("No such file");
  }

  @Test
  void anAbsentFunctionFailsByName() {
    SharedLibrary gomp = SharedLibrary.open(OnednnLibrary.unpack().resolve("libgomp.so.1"));
    assertThatExceptionOfType(UnsatisfiedLinkError.class)
        .isThrownBy(() -> gomp.function("omp_no_such", FunctionDescriptor.ofVoid()))
        .withMessage("libgomp.so.1 does not export omp_no_such");
  }
}
