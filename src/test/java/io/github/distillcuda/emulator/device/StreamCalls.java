package io.github.distillcuda.emulator.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.ffi.CudaConstants;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** The part of the driver that knows streams, events, recordings, and copies in stream order. */
abstract class StreamCalls extends DeviceCalls {
  /** What a launched operation costs on the clock of events. */
  private static final float MILLISECONDS_AN_OPERATION = 0.001f;

  /** A graph that can be launched. */
  private record Executable(List<DeviceWork> works) {}

  StreamCalls(EmulatedDevice device) {
    super(device);
  }

  private EmulatedStream stream(long handle) {
    emulated(handle != 0, () -> "the default stream");
    return require(EmulatedStream.class, handle, CudaConstants.CUDA_ERROR_INVALID_HANDLE);
  }

  private EmulatedEvent event(long handle) {
    return require(EmulatedEvent.class, handle, CudaConstants.CUDA_ERROR_INVALID_HANDLE);
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

  private void run(DeviceWork work) {
    device().countOperation();
    if (device().works()) {
      work.run();
    }
  }

  private void enqueue(EmulatedStream stream, Runnable work) {
    stream.add(work);
    if (!device().worksLate()) {
      device().doing(stream::drain);
    }
  }

  private void requireValid(Capture capture) {
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
    callInContext("cuMemcpyHtoDAsync_v2", destination, source, stream);
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
    callInContext("cuMemcpyDtoHAsync_v2", destination, source, stream);
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
    callInContext("cuMemcpyDtoDAsync_v2", destination, source, byteSize, stream);
    Region from = region(source, byteSize);
    Region target = region(destination, byteSize);
    require(
        source + byteSize <= destination || destination + byteSize <= source,
        CudaConstants.CUDA_ERROR_INVALID_VALUE,
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
    callInContext("cuMemsetD8Async", destination, value, byteSize, stream);
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
    callInContext("cuStreamCreateWithPriority", flags, priority);
    emulated(flags == CudaConstants.CU_STREAM_NON_BLOCKING, () -> "waiting for the default stream");
    return device().add("stream", new EmulatedStream(context()));
  }

  /** What is still in the stream goes on. */
  @Override
  public final void cuStreamDestroy_v2(long handle) {
    EmulatedStream stream =
        callToEnd(
            EmulatedStream.class,
            CudaConstants.CUDA_ERROR_INVALID_HANDLE,
            "cuStreamDestroy_v2",
            handle);
    requireContext();
    emulated(stream.capture() == null, () -> "the end of a stream that is captured");
    device().doing(stream::drain);
  }

  @Override
  public final long cuStreamGetCtx(long handle) {
    callInContext("cuStreamGetCtx", handle);
    return stream(handle).context();
  }

  @Override
  public final void cuStreamSynchronize(long handle) {
    callInContext("cuStreamSynchronize", handle);
    EmulatedStream stream = stream(handle);
    requireNotCaptured(stream);
    device().doing(stream::drain);
  }

  /** Work that was not done yet is done a moment later. */
  @Override
  public final boolean cuStreamQuery(long handle) {
    callInContext("cuStreamQuery", handle);
    EmulatedStream stream = stream(handle);
    requireNotCaptured(stream);
    boolean done = stream.isDone();
    device().doing(stream::drain);
    return done && device().isReady();
  }

  @Override
  public final void cuStreamWaitEvent(long streamHandle, long eventHandle, int flags) {
    callInContext("cuStreamWaitEvent", streamHandle, eventHandle, flags);
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
    callInContext("cuEventCreate", flags);
    emulated(
        flags == CudaConstants.CU_EVENT_DEFAULT || flags == CudaConstants.CU_EVENT_DISABLE_TIMING,
        () -> "these flags");
    return device().add("event", new EmulatedEvent(flags == CudaConstants.CU_EVENT_DEFAULT));
  }

  @Override
  public final void cuEventDestroy_v2(long event) {
    callToEnd(
        EmulatedEvent.class, CudaConstants.CUDA_ERROR_INVALID_HANDLE, "cuEventDestroy_v2", event);
    requireContext();
  }

  @Override
  public final void cuEventRecord(long eventHandle, long streamHandle) {
    callInContext("cuEventRecord", eventHandle, streamHandle);
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

  /** An event that was never recorded counts as done. */
  @Override
  public final boolean cuEventQuery(long handle) {
    callInContext("cuEventQuery", handle);
    EmulatedEvent event = event(handle);
    requireNotCaptured(event);
    requireNoCapture();
    boolean done = event.record() == null || event.record().isDone();
    waitFor(event);
    return done && device().isReady();
  }

  @Override
  public final void cuEventSynchronize(long handle) {
    callInContext("cuEventSynchronize", handle);
    EmulatedEvent event = event(handle);
    requireNotCaptured(event);
    requireNoCapture();
    waitFor(event);
  }

  private void waitFor(EmulatedEvent event) {
    EventRecord record = event.record();
    if (record != null) {
      device().doing(() -> record.stream().drainUntil(record));
    }
  }

  @Override
  public final float cuEventElapsedTime(long start, long end) {
    callInContext("cuEventElapsedTime", start, end);
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
        CudaConstants.CUDA_ERROR_INVALID_HANDLE,
        "an event measures no time, or was never recorded");
    return event.record();
  }

  // ---- Recordings and graphs

  @Override
  public final void cuStreamBeginCapture_v2(long handle, int mode) {
    callInContext("cuStreamBeginCapture_v2", handle, mode);
    EmulatedStream stream = stream(handle);
    emulated(
        mode == CudaConstants.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, () -> "this mode of capture");
    require(stream.capture() == null, CudaResults.ILLEGAL_STATE, "the stream is captured already");
    device().began(new Capture(stream));
  }

  @Override
  public final long cuStreamEndCapture(long handle) {
    callToEndCapture(handle);
    EmulatedStream stream = stream(handle);
    Capture capture = stream.capture();
    require(capture != null, CudaResults.ILLEGAL_STATE, "the stream is not captured");
    require(
        capture.thread() == Thread.currentThread(),
        CudaResults.CAPTURE_WRONG_THREAD,
        "another thread began the recording");
    require(
        capture.origin() == stream,
        CudaResults.CAPTURE_UNMATCHED,
        "the recording began in another stream");
    EmulatedGraph graph = capture.end();
    device().ended(capture);
    requireValid(capture);
    require(
        capture.isJoined(),
        CudaResults.CAPTURE_UNJOINED,
        "work of another stream is not joined to the first");
    device().recorded(graph);
    return device().add("graph", graph);
  }

  /** Whatever this call answers, the stream is not captured any more. */
  private void callToEndCapture(long handle) {
    try {
      callInContext("cuStreamEndCapture", handle);
    } catch (RuntimeException e) {
      EmulatedStream stream = device().find(EmulatedStream.class, handle);
      if (stream != null && stream.capture() != null) {
        Capture capture = stream.capture();
        capture.end();
        device().ended(capture);
      }
      throw e;
    }
  }

  @Override
  public final int cuStreamIsCapturing(long handle) {
    callInContext("cuStreamIsCapturing", handle);
    Capture capture = stream(handle).capture();
    if (capture == null) {
      return CudaConstants.CU_STREAM_CAPTURE_STATUS_NONE;
    }
    return capture.isInvalidated()
        ? CudaConstants.CU_STREAM_CAPTURE_STATUS_INVALIDATED
        : CudaConstants.CU_STREAM_CAPTURE_STATUS_ACTIVE;
  }

  private EmulatedGraph graph(long handle) {
    return require(EmulatedGraph.class, handle, CudaConstants.CUDA_ERROR_INVALID_VALUE);
  }

  /** A node's handle holds its type. */
  @Override
  public final long[] cuGraphGetNodes(long handle) {
    callInContext("cuGraphGetNodes", handle);
    return graph(handle).nodes().stream().mapToLong(node -> node.work().nodeType()).toArray();
  }

  @Override
  public final int cuGraphNodeGetType(long node) {
    callInContext("cuGraphNodeGetType", node);
    return (int) node;
  }

  @Override
  public final long cuGraphInstantiateWithFlags(long handle, long flags) {
    callInContext("cuGraphInstantiateWithFlags", handle, flags);
    emulated(flags == 0, () -> "flags");
    return device()
        .add("executable", new Executable(graph(handle).inOrder(device().replayOrder())));
  }

  private Executable executable(long handle) {
    return require(Executable.class, handle, CudaConstants.CUDA_ERROR_INVALID_VALUE);
  }

  @Override
  public final void cuGraphUpload(long handle, long stream) {
    callInContext("cuGraphUpload", handle, stream);
    executable(handle);
    emulated(stream(stream).capture() == null, () -> "an upload while the stream is captured");
  }

  @Override
  public final void cuGraphLaunch(long handle, long streamHandle) {
    callInContext("cuGraphLaunch", handle, streamHandle);
    Executable executable = executable(handle);
    EmulatedStream stream = stream(streamHandle);
    emulated(stream.capture() == null, () -> "a graph in a graph");
    enqueue(stream, () -> executable.works().forEach(this::run));
  }

  @Override
  public final void cuGraphExecDestroy(long handle) {
    callToEnd(
        Executable.class, CudaConstants.CUDA_ERROR_INVALID_VALUE, "cuGraphExecDestroy", handle);
    requireContext();
  }

  @Override
  public final void cuGraphDestroy(long handle) {
    callToEnd(
        EmulatedGraph.class, CudaConstants.CUDA_ERROR_INVALID_VALUE, "cuGraphDestroy", handle);
    requireContext();
  }
}
