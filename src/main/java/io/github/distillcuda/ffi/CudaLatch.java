package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.Set;

/**
 * Remembers that the GPU is lost. After some errors the driver answers every further call with the
 * same error until the process ends, and what it says of memory can no longer be trusted; so from
 * the first of them on no call reaches a library of CUDA.
 *
 * <p>Each implementation of {@link CudaDriverApi}, {@link CudnnApi}, {@link CublasApi} and {@link
 * CublasLtApi} asks the latch before every call; those of the driver report failures to it too. One
 * latch serves all libraries of a process.
 */
public final class CudaLatch {
  /**
   * Of most of these cuda.h says that the process must be terminated; with 709 and 710 the context
   * is gone, with 214 and 220 the hardware failed.
   */
  private static final Set<Integer> STICKY =
      Set.of(
          CudaConstants.CUDA_ERROR_ECC_UNCORRECTABLE,
          CudaConstants.CUDA_ERROR_NVLINK_UNCORRECTABLE,
          CudaConstants.CUDA_ERROR_CONTAINED,
          CudaConstants.CUDA_ERROR_ILLEGAL_ADDRESS,
          CudaConstants.CUDA_ERROR_LAUNCH_TIMEOUT,
          CudaConstants.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CudaConstants.CUDA_ERROR_ASSERT,
          CudaConstants.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CudaConstants.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CudaConstants.CUDA_ERROR_MISALIGNED_ADDRESS,
          CudaConstants.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CudaConstants.CUDA_ERROR_INVALID_PC,
          CudaConstants.CUDA_ERROR_LAUNCH_FAILED,
          CudaConstants.CUDA_ERROR_TENSOR_MEMORY_LEAK,
          CudaConstants.CUDA_ERROR_MPS_CLIENT_TERMINATED,
          CudaConstants.CUDA_ERROR_EXTERNAL_DEVICE);

  private volatile String loss;

  /** Returns whether a result of a driver function means that the GPU is lost. */
  public static boolean isSticky(int result) {
    return STICKY.contains(result);
  }

  /** Returns whether the GPU is lost, so that handles have nothing left to free. */
  public boolean isLost() {
    return loss != null;
  }

  /**
   * Lets a call pass while the GPU is there.
   *
   * @param function the C function that is about to be called
   * @throws DistillException {@link ExitCode#DEVICE} if the GPU is lost
   */
  public void requireUsable(String function) {
    String reason = loss;
    if (reason != null) {
      throw new DistillException(
          ExitCode.DEVICE, function + " was not called, the GPU is lost: " + reason);
    }
  }

  /**
   * Returns what to throw for a failed driver function: the failure itself, or, if it means that
   * the GPU is lost, one that tells the user so.
   */
  public RuntimeException driverFailure(NativeException failure) {
    if (!isSticky(failure.code())) {
      return failure;
    }
    loss = failure.getMessage();
    return new DistillException(
        ExitCode.DEVICE, "the GPU is lost until the program starts again: " + loss, failure);
  }

  /**
   * Gives the GPU up for a reason that the driver does not see, such as a kernel without an end.
   *
   * @return what to throw
   */
  public DistillException giveUp(String reason) {
    loss = reason;
    return new DistillException(
        ExitCode.DEVICE, "the GPU is lost until the program starts again: " + reason);
  }
}
