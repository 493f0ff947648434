package io.github.distillcuda.cuda;

import java.lang.foreign.MemorySegment;

/**
 * Copies between ordinary host memory, such as Java arrays, and the GPU, a piece at a time through
 * one page-locked buffer. Each copy waits for its stream, so it has no place inside an epoch.
 */
public final class HostStaging implements AutoCloseable {
  private final PinnedBuffer pinned;
  private final CudaStream stream;

  /**
   * Allocates the buffer.
   *
   * @param stream the stream that copies, in which work that follows finds what was copied
   * @param byteSize of a piece
   */
  public HostStaging(CudaStream stream, long byteSize) {
    pinned = PinnedBuffer.allocate(stream.context(), "staging", byteSize);
    this.stream = stream;
  }

  /** Copies all of the source to the device, and waits. */
  public void copyToDevice(MemorySegment source, DeviceBuffer target, long targetOffset) {
    target.address(targetOffset, source.byteSize());
    for (long done = 0; done < source.byteSize(); ) {
      long piece = Math.min(pinned.memory().byteSize(), source.byteSize() - done);
      MemorySegment.copy(source, done, pinned.memory(), 0, piece);
      stream.copyToDevice(pinned, 0, target, targetOffset + done, piece);
      stream.synchronize();
      done += piece;
    }
  }

  /** Fills all of the target from the device. */
  public void copyToHost(DeviceBuffer source, long sourceOffset, MemorySegment target) {
    source.address(sourceOffset, target.byteSize());
    for (long done = 0; done < target.byteSize(); ) {
      long piece = Math.min(pinned.memory().byteSize(), target.byteSize() - done);
      stream.copyToHost(source, sourceOffset + done, pinned, 0, piece);
      stream.synchronize();
      MemorySegment.copy(pinned.memory(), 0, target, done, piece);
      done += piece;
    }
  }

  @Override
  public void close() {
    pinned.close();
  }
}
