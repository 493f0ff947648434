package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudaDriverApi;
import org.junit.jupiter.api.Test;

/** What another library owns is what the caller says, or is refused; it stays the other's. */
class BorrowedHandlesTest {
  private final EmulatedDevice device = new EmulatedDevice().withGpus(2);
  private final CudaDriverApi driver = device.driver();

  @Test
  void aContextOfAnotherGpuIsRefused() {
    driver.cuInit(0);
    try (CudaContext owner = CudaContext.open(driver, 1)) {
      long address = owner.address();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> CudaContext.borrow(driver, 0, address))
          .withMessage(
              "context 0x%x is of CUdevice 11, and GPU 0 is CUdevice 10: borrow it with its own"
                  + " GPU's number",
              address);
      try (CudaContext borrowed = CudaContext.borrow(driver, 1, address)) {
        assertThat(borrowed.device()).isEqualTo(owner.device());
      }
    }
    assertThat(device.live()).isEmpty();
  }

  @Test
  void aStreamOfAnotherContextIsRefused() {
    driver.cuInit(0);
    try (CudaContext second = CudaContext.open(driver, 1);
        CudaContext first = CudaContext.open(driver, 0);
        CudaStream theirs = CudaStream.create(first, "theirs")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> CudaStream.borrow(second, "borrowed", theirs.address()))
          .withMessage(
              "stream 0x%x (borrowed) is of context 0x%x, not of 0x%x, which it was borrowed for",
              theirs.address(), first.address(), second.address());
      try (CudaStream borrowed = CudaStream.borrow(first, "borrowed", theirs.address())) {
        borrowed.synchronize();
      }
      theirs.synchronize();
    }
    assertThat(device.live()).isEmpty();
  }
}
