package io.github.distillcuda.ffi;

import java.util.List;

/**
 * Every function of NVIDIA's libraries that is called, once: the exported name, and the parameters
 * as {@link CudaPrototype} reads them. Linking, the text of failures, {@code native-notes} and the
 * tests all come from these tables.
 *
 * <p>Traps: a name without {@code _v2} is not always the one that the C header means by it. The
 * driver still exports the 32-bit entry points of 2010, under the bare names, and calling one with
 * 64-bit arguments corrupts memory in silence. A test compiles these tables against the headers.
 */
final class CudaFunctionTables {
  /** {@code libcuda.so.1}; all are in every driver since CUDA 12.0. */
  static final List<CudaPrototype> DRIVER =
      CudaPrototype.parseTable(
          """
          cuInit(int flags)
          cuDriverGetVersion(out int driverVersion)
          cuGetErrorName(int error, out pointer pStr)
          cuGetErrorString(int error, out pointer pStr)

          cuDeviceGetCount(out int count)
          cuDeviceGet(out int device, int ordinal)
          cuDeviceGetName(memory name, int len, int dev)
          cuDeviceGetAttribute(out int pi, int attrib, int dev)
          cuDeviceTotalMem_v2(out long bytes, int dev)
          cuDevicePrimaryCtxRetain(out pointer pctx, int dev)
          cuDevicePrimaryCtxRelease_v2(int dev)
          cuCtxSetCurrent(pointer ctx)
          cuCtxGetDevice(out int device)
          cuCtxSynchronize()
          cuCtxGetStreamPriorityRange(out int leastPriority, out int greatestPriority)

          cuMemGetInfo_v2(out long free, out long total)
          cuMemAlloc_v2(out pointer dptr, long bytesize)
          cuMemFree_v2(pointer dptr)
          cuMemAllocHost_v2(out pointer pp, long bytesize)
          cuMemFreeHost(memory p)
          cuMemcpyHtoDAsync_v2(pointer dstDevice, memory srcHost, long byteCount, pointer hStream)
          cuMemcpyDtoHAsync_v2(memory dstHost, pointer srcDevice, long byteCount, pointer hStream)
          cuMemcpyDtoDAsync_v2(pointer dstDevice, pointer srcDevice, long byteCount, pointer hStream)
          cuMemsetD8Async(pointer dstDevice, int uc, long n, pointer hStream)

          cuStreamCreateWithPriority(out pointer phStream, int flags, int priority)
          cuStreamDestroy_v2(pointer hStream)
          cuStreamGetCtx(pointer hStream, out pointer pctx)
          cuStreamSynchronize(pointer hStream)
          cuStreamWaitEvent(pointer hStream, pointer hEvent, int flags)
          cuEventCreate(out pointer phEvent, int flags)
          cuEventDestroy_v2(pointer hEvent)
          cuEventRecord(pointer hEvent, pointer hStream)
          cuEventQuery(pointer hEvent)
          cuEventElapsedTime(out float pMilliseconds, pointer hStart, pointer hEnd)

          cuModuleLoadDataEx(out pointer module, memory image, int numOptions, memory options,
              memory optionValues)
          cuModuleUnload(pointer hmod)
          cuModuleGetFunction(out pointer hfunc, pointer hmod, text name)
          cuFuncSetAttribute(pointer hfunc, int attrib, int value)
          cuOccupancyMaxActiveClusters(out int numClusters, pointer func, memory config)
          cuLaunchKernel(pointer f, int gridDimX, int gridDimY, int gridDimZ, int blockDimX,
              int blockDimY, int blockDimZ, int sharedMemBytes, pointer hStream, memory kernelParams,
              memory extra)

          cuStreamBeginCapture_v2(pointer hStream, int mode)
          cuStreamEndCapture(pointer hStream, out pointer phGraph)
          cuGraphGetNodes(pointer hGraph, memory nodes, memory numNodes)
          cuGraphInstantiateWithFlags(out pointer phGraphExec, pointer hGraph, long flags)
          cuGraphUpload(pointer hGraphExec, pointer hStream)
          cuGraphLaunch(pointer hGraphExec, pointer hStream)
          cuGraphExecDestroy(pointer hGraphExec)
          cuGraphDestroy(pointer hGraph)
          """);

  /** {@code libcudnn.so.9}: the legacy API, complete in every 9.x. */
  static final List<CudaPrototype> CUDNN =
      CudaPrototype.parseTable(
          """
          returns long cudnnGetVersion()
          returns long cudnnGetCudartVersion()
          returns text cudnnGetErrorString(int status)
          returns nothing cudnnGetLastErrorString(memory message, long maxSize)
          cudnnCreate(out pointer handle)
          cudnnDestroy(pointer handle)
          cudnnSetStream(pointer handle, pointer streamId)

          cudnnCreateTensorDescriptor(out pointer tensorDesc)
          cudnnSetTensor4dDescriptor(pointer tensorDesc, int format, int dataType, int n, int c, int h,
              int w)
          cudnnDestroyTensorDescriptor(pointer tensorDesc)
          cudnnCreateFilterDescriptor(out pointer filterDesc)
          cudnnSetFilter4dDescriptor(pointer filterDesc, int dataType, int format, int k, int c, int h,
              int w)
          cudnnDestroyFilterDescriptor(pointer filterDesc)
          cudnnCreateConvolutionDescriptor(out pointer convDesc)
          cudnnSetConvolution2dDescriptor(pointer convDesc, int padH, int padW, int u, int v,
              int dilationH, int dilationW, int mode, int computeType)
          cudnnSetConvolutionMathType(pointer convDesc, int mathType)
          cudnnDestroyConvolutionDescriptor(pointer convDesc)
          cudnnCreatePoolingDescriptor(out pointer poolingDesc)
          cudnnSetPooling2dDescriptor(pointer poolingDesc, int mode, int maxpoolingNanOpt,
              int windowHeight, int windowWidth, int verticalPadding, int horizontalPadding,
              int verticalStride, int horizontalStride)
          cudnnDestroyPoolingDescriptor(pointer poolingDesc)
          cudnnCreateActivationDescriptor(out pointer activationDesc)
          cudnnSetActivationDescriptor(pointer activationDesc, int mode, int reluNanOpt, double coef)
          cudnnDestroyActivationDescriptor(pointer activationDesc)

          cudnnGetConvolution2dForwardOutputDim(pointer convDesc, pointer inputTensorDesc,
              pointer filterDesc, out int n, out int c, out int h, out int w)
          cudnnGetConvolutionForwardWorkspaceSize(pointer handle, pointer xDesc, pointer wDesc,
              pointer convDesc, pointer yDesc, int algo, out long sizeInBytes)
          cudnnGetConvolutionBackwardDataWorkspaceSize(pointer handle, pointer wDesc, pointer dyDesc,
              pointer convDesc, pointer dxDesc, int algo, out long sizeInBytes)
          cudnnGetConvolutionBackwardFilterWorkspaceSize(pointer handle, pointer xDesc, pointer dyDesc,
              pointer convDesc, pointer gradDesc, int algo, out long sizeInBytes)
          cudnnFindConvolutionForwardAlgorithmEx(pointer handle, pointer xDesc, pointer x,
              pointer wDesc, pointer w, pointer convDesc, pointer yDesc, pointer y,
              int requestedAlgoCount, out int returnedAlgoCount, memory perfResults,
              pointer workSpace, long workSpaceSizeInBytes)
          cudnnFindConvolutionBackwardDataAlgorithmEx(pointer handle, pointer wDesc, pointer w,
              pointer dyDesc, pointer dy, pointer convDesc, pointer dxDesc, pointer dx,
              int requestedAlgoCount, out int returnedAlgoCount, memory perfResults,
              pointer workSpace, long workSpaceSizeInBytes)
          cudnnFindConvolutionBackwardFilterAlgorithmEx(pointer handle, pointer xDesc, pointer x,
              pointer dyDesc, pointer y, pointer convDesc, pointer dwDesc, pointer dw,
              int requestedAlgoCount, out int returnedAlgoCount, memory perfResults,
              pointer workSpace, long workSpaceSizeInBytes)
          cudnnConvolutionForward(pointer handle, float* alpha, pointer xDesc, pointer x,
              pointer wDesc, pointer w, pointer convDesc, int algo, pointer workSpace,
              long workSpaceSizeInBytes, float* beta, pointer yDesc, pointer y)
          cudnnConvolutionBiasActivationForward(pointer handle, float* alpha1, pointer xDesc,
              pointer x, pointer wDesc, pointer w, pointer convDesc, int algo, pointer workSpace,
              long workSpaceSizeInBytes, float* alpha2, pointer zDesc, pointer z, pointer biasDesc,
              pointer bias, pointer activationDesc, pointer yDesc, pointer y)
          cudnnConvolutionBackwardBias(pointer handle, float* alpha, pointer dyDesc, pointer dy,
              float* beta, pointer dbDesc, pointer db)
          cudnnConvolutionBackwardData(pointer handle, float* alpha, pointer wDesc, pointer w,
              pointer dyDesc, pointer dy, pointer convDesc, int algo, pointer workSpace,
              long workSpaceSizeInBytes, float* beta, pointer dxDesc, pointer dx)
          cudnnConvolutionBackwardFilter(pointer handle, float* alpha, pointer xDesc, pointer x,
              pointer dyDesc, pointer dy, pointer convDesc, int algo, pointer workSpace,
              long workSpaceSizeInBytes, float* beta, pointer dwDesc, pointer dw)

          cudnnAddTensor(pointer handle, float* alpha, pointer aDesc, pointer a, float* beta,
              pointer cDesc, pointer c)
          cudnnActivationForward(pointer handle, pointer activationDesc, float* alpha, pointer xDesc,
              pointer x, float* beta, pointer yDesc, pointer y)
          cudnnActivationBackward(pointer handle, pointer activationDesc, float* alpha, pointer yDesc,
              pointer y, pointer dyDesc, pointer dy, pointer xDesc, pointer x, float* beta,
              pointer dxDesc, pointer dx)
          cudnnGetPooling2dForwardOutputDim(pointer poolingDesc, pointer inputTensorDesc, out int n,
              out int c, out int h, out int w)
          cudnnPoolingForward(pointer handle, pointer poolingDesc, float* alpha, pointer xDesc,
              pointer x, float* beta, pointer yDesc, pointer y)
          cudnnPoolingBackward(pointer handle, pointer poolingDesc, float* alpha, pointer yDesc,
              pointer y, pointer dyDesc, pointer dy, pointer xDesc, pointer x, float* beta,
              pointer dxDesc, pointer dx)
          """);

  /** {@code libcublas.so.13} or {@code .12}. */
  static final List<CudaPrototype> CUBLAS =
      CudaPrototype.parseTable(
          """
          returns text cublasGetStatusName(int status)
          returns text cublasGetStatusString(int status)
          cublasGetVersion_v2(pointer handle, out int version)
          cublasCreate_v2(out pointer handle)
          cublasDestroy_v2(pointer handle)
          cublasSetStream_v2(pointer handle, pointer streamId)
          cublasSetWorkspace_v2(pointer handle, pointer workspace, long workspaceSizeInBytes)
          cublasSetMathMode(pointer handle, int mode)
          cublasSgemm_v2(pointer handle, int transa, int transb, int m, int n, int k, float* alpha,
              pointer a, int lda, pointer b, int ldb, float* beta, pointer c, int ldc)
          cublasGemmEx(pointer handle, int transa, int transb, int m, int n, int k, float* alpha,
              pointer a, int aType, int lda, pointer b, int bType, int ldb, float* beta, pointer c,
              int cType, int ldc, int computeType, int algo)
          """);

  /** {@code libcublasLt.so.13} or {@code .12}. */
  static final List<CudaPrototype> CUBLASLT =
      CudaPrototype.parseTable(
          """
          returns long cublasLtGetVersion()
          returns text cublasLtGetStatusName(int status)
          returns text cublasLtGetStatusString(int status)
          cublasLtCreate(out pointer lightHandle)
          cublasLtDestroy(pointer lightHandle)
          cublasLtMatmulDescCreate(out pointer matmulDesc, int computeType, int scaleType)
          cublasLtMatmulDescSetAttribute(pointer matmulDesc, int attr, memory buf, long sizeInBytes)
          cublasLtMatmulDescDestroy(pointer matmulDesc)
          cublasLtMatrixLayoutCreate(out pointer matLayout, int type, long rows, long cols, long ld)
          cublasLtMatrixLayoutDestroy(pointer matLayout)
          cublasLtMatmulPreferenceCreate(out pointer pref)
          cublasLtMatmulPreferenceSetAttribute(pointer pref, int attr, memory buf, long sizeInBytes)
          cublasLtMatmulPreferenceDestroy(pointer pref)
          cublasLtMatmulAlgoGetHeuristic(pointer lightHandle, pointer operationDesc, pointer aDesc,
              pointer bDesc, pointer cDesc, pointer dDesc, pointer preference, int requestedAlgoCount,
              memory heuristicResultsArray, out int returnAlgoCount)
          cublasLtMatmulAlgoConfigGetAttribute(memory algo, int attr, memory buf, long sizeInBytes,
              out long sizeWritten)
          cublasLtMatmul(pointer lightHandle, pointer computeDesc, float* alpha, pointer a,
              pointer aDesc, pointer b, pointer bDesc, float* beta, pointer c, pointer cDesc,
              pointer d, pointer dDesc, memory algo, pointer workspace, long workspaceSizeInBytes,
              pointer stream)
          """);

  private CudaFunctionTables() {}
}
