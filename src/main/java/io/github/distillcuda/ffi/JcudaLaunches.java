package io.github.distillcuda.ffi;

import java.lang.foreign.MemorySegment;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * What runs in every step, through JCuda and without an object a call: those that JNI wants are
 * made once a thread and carry other numbers each time. The methods have the names and the types of
 * the C functions.
 */
final class JcudaLaunches {
  private static final ThreadLocal<JcudaLaunches> OF_THREAD =
      ThreadLocal.withInitial(JcudaLaunches::new);

  private final CUfunction function = new CUfunction();
  private final CUstream stream = new CUstream();
  private final Pointer kernelParams = new Pointer();
  private final CUgraphExec executable = new CUgraphExec();

  private JcudaLaunches() {}

  /** {@code extra} is another way to pass arguments, which is not used. */
  static int cuLaunchKernel(
      long f,
      int gridDimX,
      int gridDimY,
      int gridDimZ,
      int blockDimX,
      int blockDimY,
      int blockDimZ,
      int sharedMemBytes,
      long hStream,
      MemorySegment kernelParams,
      MemorySegment extra) {
    JcudaLaunches launch = OF_THREAD.get();
    JcudaHandle.set(launch.function, f);
    JcudaHandle.set(launch.stream, hStream);
    // A pointer without a Java buffer goes to C as it is: JCuda reads nothing of what it points to.
    JcudaHandle.set(launch.kernelParams, kernelParams.address());
    return JCudaDriver.cuLaunchKernel(
        launch.function,
        gridDimX,
        gridDimY,
        gridDimZ,
        blockDimX,
        blockDimY,
        blockDimZ,
        sharedMemBytes,
        launch.stream,
        launch.kernelParams,
        null);
  }

  static int cuGraphLaunch(long hGraphExec, long hStream) {
    JcudaLaunches launch = OF_THREAD.get();
    JcudaHandle.set(launch.executable, hGraphExec);
    JcudaHandle.set(launch.stream, hStream);
    return JCudaDriver.cuGraphLaunch(launch.executable, launch.stream);
  }
}
