package io.github.distillcuda.emulator.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.ffi.CudaConstants;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The part of the driver that knows streams, events, and copies in stream order. */
abstract class StreamCalls extends DeviceCalls {
  /** What a launched operation costs on the clock of events. */
  private static final float MILLISECONDS_AN_OPERATION = 0.001f;

  StreamCalls(EmulatedDevice device) {
    super(device);
  }

  final EmulatedStream stream(long handle) {
    emulated(handle != 0, () -> "the default stream");
    return require(EmulatedStream.class, handle, CudaResults.INVALID_HANDLE);
  }

  private EmulatedEvent event(long handle) {
    return require(EmulatedEvent.class, handle, CudaResults.INVALID_HANDLE);
  }

  /** Does work in the order of a stream, or records it. */
  final void submit(long handle, DeviceWork work) {
    EmulatedStream stream = stream(handle);
    Capture capture = stream.capture();
    if (capture != null) {
      requireValid(capture);
      capture.add(stream, work);
    } else {
      enqueue(stream, () -> run(work));
    }
  }

  final void run(DeviceWork work) {
    device().countOperation();
    if (device().works()) {
      work.run();
    }
  }

  final void enqueue(EmulatedStream stream, Runnable work) {
    stream.add(work);
    if (!device().worksLate()) {
      device().doing(stream::drain);
    }
  }

  final void requireValid(Capture capture) {
    require(
        !capture.isInvalidated(),
        CudaResults.CAPTURE_INVALIDATED,
        "the recording was spoilt by an earlier call");
  }

  /** A captured stream has done nothing that one could wait for. */
  private void requireNotCaptured(EmulatedStream stream) {
    if (stream.capture() != null) {
      stream.capture().invalidate();
      fail(CudaResults.CAPTURE_UNSUPPORTED, "the stream is captured");
    }
  }

  private void requireNotCaptured(EmulatedEvent event) {
    if (event.captured() != null) {
      event.captured().capture().invalidate();
      fail(CudaResults.CAPTURED_EVENT, "the event was recorded last in a captured stream");
    }
  }

  // ---- Copies and fills

  @Override
  public final void cuMemcpyHtoDAsync_v2(long destination, MemorySegment source, long stream) {
    requirePinned(source);
    Region target = region(destination, source.byteSize());
    int offset = (int) (destination - target.address());
    submit(
        stream,
        new DeviceWork(
            "cuMemcpyHtoDAsync_v2",
            DeviceWork.COPY,
            () -> target.hostWrite(offset, source.toArray(JAVA_BYTE))));
  }

  @Override
  public final void cuMemcpyDtoHAsync_v2(MemorySegment destination, long source, long stream) {
    requirePinned(destination);
    Region from = region(source, destination.byteSize());
    int offset = (int) (source - from.address());
    int length = (int) destination.byteSize();
    submit(
        stream,
        new DeviceWork(
            "cuMemcpyDtoHAsync_v2",
            DeviceWork.COPY,
            () -> destination.copyFrom(MemorySegment.ofArray(from.hostRead(offset, length)))));
  }

  @Override
  public final void cuMemcpyDtoDAsync_v2(
      long destination, long source, long byteSize, long stream) {
    Region from = region(source, byteSize);
    Region target = region(destination, byteSize);
    require(
        source + byteSize <= destination || destination + byteSize <= source,
        CudaResults.INVALID_VALUE,
        "the ranges overlap");
    int fromOffset = (int) (source - from.address());
    int targetOffset = (int) (destination - target.address());
    submit(
        stream,
        new DeviceWork(
            "cuMemcpyDtoDAsync_v2",
            DeviceWork.COPY,
            () -> target.hostWrite(targetOffset, from.hostRead(fromOffset, (int) byteSize))));
  }

  @Override
  public final void cuMemsetD8Async(long destination, byte value, long byteSize, long stream) {
    Region target = region(destination, byteSize);
    int offset = (int) (destination - target.address());
    submit(
        stream,
        new DeviceWork(
            "cuMemsetD8Async",
            DeviceWork.FILL,
            () -> {
              byte[] filled = new byte[(int) byteSize];
              Arrays.fill(filled, value);
              target.hostWrite(offset, filled);
            }));
  }

  // ---- Streams and events

  @Override
  public final long cuStreamCreateWithPriority(int flags, int priority) {
    emulated(flags == CudaConstants.CU_STREAM_NON_BLOCKING, () -> "waiting for the default stream");
    return device().add("stream", new EmulatedStream(context()));
  }

  /** What is still in the stream goes on. */
  @Override
  public final void cuStreamDestroy_v2(long handle) {
    EmulatedStream stream = end(EmulatedStream.class, CudaResults.INVALID_HANDLE, handle);
    requireContext();
    emulated(stream.capture() == null, () -> "the end of a stream that is captured");
    device().doing(stream::drain);
  }

  @Override
  public final long cuStreamGetCtx(long handle) {
    return stream(handle).context();
  }

  @Override
  public final void cuStreamSynchronize(long handle) {
    EmulatedStream stream = stream(handle);
    requireNotCaptured(stream);
    device().doing(stream::drain);
  }

  @Override
  public final void cuStreamWaitEvent(long streamHandle, long eventHandle, int flags) {
    EmulatedStream stream = stream(streamHandle);
    EmulatedEvent event = event(eventHandle);
    if (event.captured() != null) {
      joinCapture(stream, event.captured());
    } else if (stream.capture() != null) {
      requireValid(stream.capture());
      stream.capture().invalidate();
      fail(CudaResults.CAPTURE_ISOLATION, "the event was recorded outside of the recording");
    } else if (event.record() != null) {
      EventRecord record = event.record();
      enqueue(stream, () -> record.stream().drainUntil(record));
    }
  }

  private void joinCapture(EmulatedStream stream, Capture.Point point) {
    emulated(!point.capture().isEnded(), () -> "an event of a recording that has ended");
    requireValid(point.capture());
    if (stream.capture() != null && stream.capture() != point.capture()) {
      stream.capture().invalidate();
      point.capture().invalidate();
      fail(CudaResults.CAPTURE_MERGE, "stream and event are in two recordings");
    }
    point.capture().follow(stream, point);
  }

  @Override
  public final long cuEventCreate(int flags) {
    emulated(
        flags == CudaConstants.CU_EVENT_DEFAULT || flags == CudaConstants.CU_EVENT_DISABLE_TIMING,
        () -> "these flags");
    return device().add("event", new EmulatedEvent(flags == CudaConstants.CU_EVENT_DEFAULT));
  }

  @Override
  public final void cuEventDestroy_v2(long event) {
    end(EmulatedEvent.class, CudaResults.INVALID_HANDLE, event);
    requireContext();
  }

  @Override
  public final void cuEventRecord(long eventHandle, long streamHandle) {
    EmulatedEvent event = event(eventHandle);
    EmulatedStream stream = stream(streamHandle);
    if (stream.capture() != null) {
      requireValid(stream.capture());
      event.recordIn(stream.capture().point(stream));
    } else {
      EventRecord record = new EventRecord(stream);
      event.recordIn(stream, record);
      enqueue(stream, () -> record.happen(device().operations()));
    }
  }

  /** An event that was never recorded counts as done. One that was not yet is a moment later. */
  @Override
  public final boolean cuEventQuery(long handle) {
    EmulatedEvent event = event(handle);
    requireNotCaptured(event);
    requireNoCapture();
    EventRecord record = event.record();
    boolean done = record == null || record.isDone();
    if (!done) {
      device().doing(() -> record.stream().drainUntil(record));
    }
    return done && device().isReady();
  }

  @Override
  public final float cuEventElapsedTime(long start, long end) {
    EventRecord first = timed(start);
    EventRecord last = timed(end);
    require(
        first.isDone() && last.isDone() && device().isReady(),
        CudaConstants.CUDA_ERROR_NOT_READY,
        "an event has not happened yet");
    return (last.time() - first.time()) * MILLISECONDS_AN_OPERATION;
  }

  private EventRecord timed(long handle) {
    EmulatedEvent event = event(handle);
    requireNotCaptured(event);
    require(
        event.isTimed() && event.record() != null,
        CudaResults.INVALID_HANDLE,
        "an event measures no time, or was never recorded");
    return event.record();
  }
}
