package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.Footprint;
import io.github.distillcuda.ffi.CudaConstants;
import java.util.List;

/** The part of the driver that knows recordings and graphs. */
abstract class GraphCalls extends StreamCalls {
  /** A graph that can be launched, and in which order it is done. */
  private static final class Executable {
    private final EmulatedGraph graph;
    private final List<GraphNode> order;
    private boolean checked;

    private Executable(EmulatedGraph graph, ExecutionOrder order) {
      this.graph = graph;
      this.order = graph.inOrder(order);
    }
  }

  GraphCalls(EmulatedDevice device) {
    super(device);
  }

  @Override
  public final void cuStreamBeginCapture_v2(long handle, int mode) {
    EmulatedStream stream = stream(handle);
    emulated(
        mode == CudaConstants.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, () -> "this mode of capture");
    require(stream.capture() == null, CudaResults.ILLEGAL_STATE, "the stream is captured already");
    device().began(new Capture(stream));
  }

  @Override
  public final long cuStreamEndCapture(long handle) {
    requireEndOfCapture(handle);
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
  private void requireEndOfCapture(long handle) {
    try {
      requireWorking();
      requireContext();
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

  private EmulatedGraph graph(long handle) {
    return require(EmulatedGraph.class, handle, CudaResults.INVALID_VALUE);
  }

  /** A node's handle holds its type. */
  @Override
  public final long[] cuGraphGetNodes(long handle) {
    return graph(handle).nodes().stream().mapToLong(node -> node.work().nodeType()).toArray();
  }

  @Override
  public final long cuGraphInstantiateWithFlags(long handle, long flags) {
    emulated(flags == 0, () -> "flags");
    return device().add("executable", new Executable(graph(handle), device().replayOrder()));
  }

  private Executable executable(long handle) {
    return require(Executable.class, handle, CudaResults.INVALID_VALUE);
  }

  @Override
  public final void cuGraphUpload(long handle, long stream) {
    executable(handle);
    emulated(stream(stream).capture() == null, () -> "an upload while the stream is captured");
  }

  @Override
  public final void cuGraphLaunch(long handle, long streamHandle) {
    Executable executable = executable(handle);
    EmulatedStream stream = stream(streamHandle);
    emulated(stream.capture() == null, () -> "a graph in a graph");
    enqueue(stream, () -> replay(executable));
  }

  /** The first replay tells what each node touches, which is nearly the same in all others. */
  private void replay(Executable executable) {
    if (executable.checked) {
      executable.order.forEach(node -> run(node.work()));
      return;
    }
    Footprint[] footprints = new Footprint[executable.order.size()];
    for (GraphNode node : executable.order) {
      footprints[node.number()] = device().memory().footprintOf(() -> run(node.work()));
    }
    executable.graph.requireNoRace(footprints);
    executable.checked = true;
  }

  @Override
  public final void cuGraphExecDestroy(long handle) {
    end(Executable.class, CudaResults.INVALID_VALUE, handle);
    requireContext();
  }

  @Override
  public final void cuGraphDestroy(long handle) {
    end(EmulatedGraph.class, CudaResults.INVALID_VALUE, handle);
    requireContext();
  }
}
