package io.github.distillcuda.cuda;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.NativeException;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The memory of a GPU: allocates buffers by name and knows which of them are alive. */
public final class DeviceMemory {
  private static final int SHOWN_BUFFERS = 5;

  private final CudaContext context;
  private final Set<DeviceBuffer> live = new LinkedHashSet<>();
  private String advice = "";

  DeviceMemory(CudaContext context) {
    this.context = context;
  }

  /**
   * Sets the advice that failures for lack of room end with, which only the program can give.
   *
   * @param whatToDo such as {@code use a smaller batch}
   */
  public void advise(String whatToDo) {
    advice = "; " + whatToDo;
  }

  /**
   * Allocates a buffer, aligned to 256 bytes and not initialised; the caller closes it.
   *
   * @param name what it holds
   * @param byteSize at least 1
   * @throws DistillException {@link ExitCode#DEVICE_MEMORY} if there is no room: with what is free
   *     and the largest buffers
   */
  public DeviceBuffer allocate(String name, long byteSize) {
    if (byteSize < 1) {
      throw new IllegalArgumentException("%s has %d bytes".formatted(name, byteSize));
    }
    try {
      DeviceBuffer buffer = new DeviceBuffer(context, name, byteSize);
      live.add(buffer);
      return buffer;
    } catch (NativeException e) {
      throw e.code() == CudaConstants.CUDA_ERROR_OUT_OF_MEMORY
          ? noRoom(name + " needs", byteSize, e)
          : e;
    }
  }

  /** Returns the failure of something that {@code needs} so many bytes, which are not free. */
  DistillException noRoom(String needs, long byteSize, NativeException cause) {
    return new DistillException(
        ExitCode.DEVICE_MEMORY,
        "GPU memory: %s %s, %s%s".formatted(needs, mebibytes(byteSize), account(), advice),
        cause);
  }

  /** Returns the bytes that are free on the GPU. */
  public long freeBytes() {
    return context.driver().cuMemGetInfo_v2()[0];
  }

  /** Returns for people what is free, and which buffers of this context are the largest. */
  public String account() {
    return "%s of %s are free; the largest buffers are %s"
        .formatted(
            mebibytes(freeBytes()),
            mebibytes(context.device().totalBytes()),
            live.isEmpty() ? "none of this program" : String.join(", ", largest()));
  }

  private List<String> largest() {
    return live.stream()
        .sorted(Comparator.comparingLong(DeviceBuffer::byteSize).reversed())
        .limit(SHOWN_BUFFERS)
        .map(buffer -> buffer.name() + " " + mebibytes(buffer.byteSize()))
        .collect(Collectors.toList());
  }

  /** Formats a size for people. */
  public static String mebibytes(long bytes) {
    return Math.ceilDiv(bytes, 1 << 20) + " MiB";
  }

  /** Returns the bytes of all buffers that are not closed. */
  public long liveBytes() {
    return live.stream().mapToLong(DeviceBuffer::byteSize).sum();
  }

  void freed(DeviceBuffer buffer) {
    live.remove(buffer);
  }
}
