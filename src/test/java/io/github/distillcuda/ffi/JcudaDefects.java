package io.github.distillcuda.ffi;

import java.nio.file.Path;
import jcuda.Pointer;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphNode;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnTensorDescriptor;

/**
 * Calls those methods of JCuda that {@link JcudaLinker} goes around, and prints what they do with
 * the libraries of {@link JcudaStubs}; a program for {@link JcudaProcess}.
 */
final class JcudaDefects {
  private JcudaDefects() {}

  /**
   * The process.
   *
   * @param arguments the folder of the libraries
   */
  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    CudaLibraries libraries = CudaTestLibraries.only(CudaBinding.JCUDA, folder);
    libraries.driver();
    libraries.cudnn();
    libraries.cublas();

    CUgraphNode[] nodes = {new CUgraphNode(), new CUgraphNode()};
    JCudaDriver.cuGraphGetNodes(new CUgraph(), nodes, new long[] {nodes.length});
    System.out.println(CudaStub.of(folder.resolve("libcuda.so.1")).lastCall());

    try {
      JCudaDriver.cuMemAllocHost(new Pointer(), 1L << 31);
      System.out.println("2 GiB are page-locked");
    } catch (RuntimeException e) {
      System.out.println("2 GiB: " + e.getMessage());
    }

    System.out.printf("mathType %d %d%n", mathTypeForward(), mathTypeBackwardData());

    int status =
        JCublas2.cublasGemmEx(
            new cublasHandle(),
            0,
            0,
            1,
            1,
            1,
            new Pointer(),
            new Pointer(),
            0,
            1,
            new Pointer(),
            0,
            1,
            new Pointer(),
            new Pointer(),
            0,
            1,
            CublasConstants.CUBLAS_COMPUTE_32F,
            -1);
    System.out.println("CUBLAS_COMPUTE_32F: " + status);
  }

  private static int mathTypeForward() {
    cudnnConvolutionFwdAlgoPerf[] results = {
      new cudnnConvolutionFwdAlgoPerf(), new cudnnConvolutionFwdAlgoPerf()
    };
    JCudnn.cudnnFindConvolutionForwardAlgorithmEx(
        new cudnnHandle(),
        new cudnnTensorDescriptor(),
        new Pointer(),
        new cudnnFilterDescriptor(),
        new Pointer(),
        new cudnnConvolutionDescriptor(),
        new cudnnTensorDescriptor(),
        new Pointer(),
        results.length,
        new int[1],
        results,
        new Pointer(),
        0);
    return results[0].mathType;
  }

  private static int mathTypeBackwardData() {
    cudnnConvolutionBwdDataAlgoPerf[] results = {
      new cudnnConvolutionBwdDataAlgoPerf(), new cudnnConvolutionBwdDataAlgoPerf()
    };
    JCudnn.cudnnFindConvolutionBackwardDataAlgorithmEx(
        new cudnnHandle(),
        new cudnnFilterDescriptor(),
        new Pointer(),
        new cudnnTensorDescriptor(),
        new Pointer(),
        new cudnnConvolutionDescriptor(),
        new cudnnTensorDescriptor(),
        new Pointer(),
        results.length,
        new int[1],
        results,
        new Pointer(),
        0);
    return results[0].mathType;
  }
}
