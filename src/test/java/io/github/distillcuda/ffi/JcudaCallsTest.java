package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The two bindings beside each other on stand-ins for the driver, cuDNN and cuBLAS: what {@link
 * JcudaTranscript} writes down of each. That Panama's calls are right is the business of {@link
 * CudaCallsTest} and {@link CudaFailuresTest}.
 */
class JcudaCallsTest {
  @TempDir static Path folder;
  private static List<String> panama;
  private static List<String> jcuda;

  @BeforeAll
  static void callEverythingThroughBoth() throws Exception {
    JcudaStubs.build(folder);
    CudaStub.Finished process =
        JcudaProcess.run(
            JcudaTranscript.class, folder.resolve("cache"), List.of(), folder.toString());
    assertThat(process.exitStatus()).as(process.output()).isZero();
    panama = transcript(process, "PANAMA ");
    jcuda = transcript(process, "JCUDA ");
  }

  /** The lines of a binding, without the addresses of memory that lived as long as one call. */
  private static List<String> transcript(CudaStub.Finished process, String binding) {
    return process
        .output()
        .lines()
        .filter(line -> line.startsWith(binding))
        .map(line -> line.substring(binding.length()))
        .map(
            line ->
                line.replaceAll(
                    "\\b(name|options|optionValues|numNodes|config)=0x\\p{XDigit}+", "$1"))
        .toList();
  }

  private static List<String> calls(List<String> transcript) {
    return transcript.stream().filter(line -> line.contains(" -> ")).toList();
  }

  /** With success, with a failure, and with 600, which one function does not take for one. */
  @Test
  void everyCallArrivesAndReturnsAsThroughPanama() {
    int functions =
        CudaFunctionTables.DRIVER.size()
            + CudaFunctionTables.CUDNN.size()
            + CudaFunctionTables.CUBLAS.size();
    // Six of them explain failures and are no methods of the interfaces.
    assertThat(calls(panama)).hasSize(3 * (functions - 6));
    assertThat(calls(jcuda)).containsExactlyElementsOf(calls(panama));
  }

  /** Were the stand-ins not called at all, both transcripts would be the same too. */
  @Test
  void callsLookLikeThis() {
    assertThat(calls(jcuda))
        .contains(
            "0 cuMemAlloc_v2 140733193388032 -> 1001",
            "0 cuCtxGetStreamPriorityRange -> [1001, 1002]",
            "0 cuDeviceGetName 256 -11 -> GPU of the stub",
            "0 cuGraphGetNodes 0x7fff00000000 room for 2 -> [17, 140733193388066]",
            "0 cuOccupancyMaxActiveClusters 0x7fff00000000 -12 1 1, -13 1 1, -14 -> 8",
            "0 cuMemsetD8Async 0x7fff00000000 253 140733193388034 0x7fff00000003 -> nothing",
            "600 cuEventQuery 0x7fff00000000 -> false",
            "0 cudnnSetActivationDescriptor 0x7fff00000000 -12 -13 3.25 -> nothing",
            "0 cublasSgemm_v2 0x7fff00000000 -12 -13 -14 -15 -16 6.5 0x7fff00000007 -19"
                + " 0x7fff00000009 -21 11.5 0x7fff0000000c -24 -> nothing")
        .anySatisfy(
            call ->
                assertThat(call)
                    .matches(
                        "0 cuLaunchKernel 0x7fff00000000 -12 -13 -14 -15 -16 -17 -18 0x7fff00000008"
                            + " 0x\\p{XDigit}+ \\(nil\\) -> nothing"))
        .anySatisfy(
            call ->
                assertThat(call)
                    .matches(
                        "0 cuModuleLoadDataEx 0x\\p{XDigit}+ image 5=0x7fff00000051 6=0x52"
                            + " -> 4097"));
  }

  /** Launches must not feed the garbage collector, with either binding. */
  @Test
  void aLaunchAllocatesNothingOnTheHeap() {
    String prefix = "allocated ";
    long allocated =
        jcuda.stream()
            .filter(line -> line.startsWith(prefix))
            .mapToLong(line -> Long.parseLong(line.substring(prefix.length())))
            .findFirst()
            .orElseThrow();
    // One object a call would be 16 bytes at least, 640,000 in all.
    assertThat(allocated).isLessThan(64_000);
  }

  @Test
  void nothingIsCalledOnceTheGpuIsLost() {
    String loss = "cuCtxSynchronize() failed: CUDA_ERROR_OF_STUB (700) says the stub";
    assertThat(jcuda)
        .containsSubsequence(
            "lost: the GPU is lost until the program starts again: " + loss,
            "after: cuGraphLaunch was not called, the GPU is lost: " + loss,
            "after: cuMemFree_v2 was not called, the GPU is lost: " + loss,
            "after: cudnnGetCudartVersion was not called, the GPU is lost: " + loss,
            "calls since: 0");
  }

  @Test
  void cublas12IsCalledThroughJcudaWithoutANotice() {
    assertThat(jcuda).contains("notices []");
  }
}
