package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What cuDNN measured of one algorithm of a convolution: {@code cudnnConvolutionFwdAlgoPerf_t} and
 * its two sisters, which have the same layout.
 *
 * @param algorithm its number, which is of its own enumeration for each direction
 * @param status 0 if it ran
 * @param milliseconds the time of one run
 * @param workspaceBytes what it needs
 * @param deterministic whether every run gives the same bits
 * @param mathType the kind of arithmetic it was measured with
 */
public record CudnnPerformance(
    int algorithm,
    int status,
    float milliseconds,
    long workspaceBytes,
    boolean deterministic,
    int mathType) {
  /** Bytes of the C structure. */
  public static final long BYTES = 48;

  /** Reads the first {@code count} structures. */
  public static List<CudnnPerformance> read(MemorySegment results, int count) {
    return IntStream.range(0, count).mapToObj(i -> of(results.asSlice(i * BYTES, BYTES))).toList();
  }

  private static CudnnPerformance of(MemorySegment structure) {
    return new CudnnPerformance(
        structure.get(JAVA_INT, 0),
        structure.get(JAVA_INT, 4),
        structure.get(JAVA_FLOAT, 8),
        structure.get(JAVA_LONG, 16),
        structure.get(JAVA_INT, 24) == CudnnConstants.CUDNN_DETERMINISTIC,
        structure.get(JAVA_INT, 28));
  }
}
