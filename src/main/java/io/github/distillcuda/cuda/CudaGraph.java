package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;

/** Work that was recorded once and is launched as a whole. */
public final class CudaGraph extends ContextHandle {
  private final int nodes;

  /** The recording itself, which is not needed once it was made executable. */
  private static final class Recording extends ContextHandle {
    Recording(CudaContext context, String name, long address) {
      super(context, name, address);
    }

    @Override
    void release(long address) {
      context().driver().cuGraphDestroy(address);
    }
  }

  private CudaGraph(CudaContext context, String name, Recording recording) {
    CudaDriverApi driver = context.driver();
    int recorded = driver.cuGraphGetNodes(recording.address()).length;
    super(context, name, driver.cuGraphInstantiateWithFlags(recording.address(), 0));
    nodes = recorded;
  }

  /**
   * Records what {@code work} does in a stream, and in others that join it through events, instead
   * of running it. Only this thread is held to the rules: it must not allocate, copy synchronously,
   * or wait. The caller closes the graph.
   *
   * @throws io.github.distillcuda.ffi.NativeException if the work broke a rule
   */
  public static CudaGraph capture(CudaStream stream, String name, Runnable work) {
    CudaContext context = stream.context();
    stream
        .driver()
        .cuStreamBeginCapture_v2(
            stream.address(), CudaConstants.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      discard(stream, e);
      throw e;
    }
    try (DeviceScope building = new DeviceScope()) {
      long recorded = context.driver().cuStreamEndCapture(stream.address());
      Recording recording = building.own(new Recording(context, name + " (recording)", recorded));
      CudaGraph graph = building.own(new CudaGraph(context, name, recording));
      building.release(recording).close();
      return building.release(graph);
    }
  }

  /** Ends a recording that nobody wants, so that the stream can be used again. */
  private static void discard(CudaStream stream, Throwable cause) {
    if (stream.context().latch().isLost()) {
      return;
    }
    try {
      CudaDriverApi driver = stream.driver();
      driver.cuGraphDestroy(driver.cuStreamEndCapture(stream.address()));
    } catch (RuntimeException e) {
      // An invalid recording ends with an error too.
      cause.addSuppressed(e);
    }
  }

  /** Returns how many operations one launch runs. */
  public int nodes() {
    return nodes;
  }

  /** Sends the graph to the device, so that its first launch is like any other. */
  public void upload(CudaStream stream) {
    driver().cuGraphUpload(address(), stream.address());
  }

  /** Launches the graph in stream order. Allocates nothing. */
  public void launch(CudaStream stream) {
    driver().cuGraphLaunch(address(), stream.address());
  }

  @Override
  void release(long address) {
    context().driver().cuGraphExecDestroy(address);
  }
}
