package io.github.distillcuda.gpu;

import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.HostStaging;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import java.lang.foreign.MemorySegment;

/** The first GPU, a stream on it and copies to and from it, for the thread that opened it. */
public final class Gpu implements AutoCloseable {
  private static final long STAGING_BYTES = 1 << 22;

  private final DeviceScope scope = new DeviceScope();
  private final CudaContext context;
  private final CudaStream stream;
  private final HostStaging staging;

  private Gpu(CudaDriverApi driver) {
    context = scope.own(CudaContext.open(driver, 0));
    stream = scope.own(CudaStream.create(context, "tests"));
    staging = scope.own(new HostStaging(stream, STAGING_BYTES));
  }

  /** Opens the GPU of this machine. */
  public static Gpu open() {
    return open(new CudaLibraries().driver());
  }

  /** Opens the first GPU of a driver. */
  public static Gpu open(CudaDriverApi driver) {
    return new Gpu(driver);
  }

  /** Returns the context. */
  public CudaContext context() {
    return context;
  }

  /** Returns the stream. */
  public CudaStream stream() {
    return stream;
  }

  /** Copies bytes to the start of a buffer, and waits. */
  public void upload(byte[] bytes, DeviceBuffer target) {
    staging.copyToDevice(MemorySegment.ofArray(bytes), target, 0);
  }

  /** Returns all bytes of a buffer, after the work of the stream. */
  public byte[] download(DeviceBuffer source) {
    byte[] bytes = new byte[Math.toIntExact(source.byteSize())];
    staging.copyToHost(source, 0, MemorySegment.ofArray(bytes));
    return bytes;
  }

  @Override
  public void close() {
    scope.close();
  }
}
