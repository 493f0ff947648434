package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.host.AdamBlocks;
import io.github.distillcuda.backend.host.FiniteCheck;
import io.github.distillcuda.backend.host.HostStepState;
import java.lang.foreign.MemorySegment;

/** The check of gradients and parameters, and Adam over the whole flat arena, padding included. */
final class AdamOperation implements Operation {
  private final AdamBlocks adam;
  private final HostStepState state;
  private final MemorySegment values;
  private final MemorySegment gradients;
  private final MemorySegment firstMoments;
  private final MemorySegment secondMoments;
  private final long elements;
  private final int[] bits = new int[AdamBlocks.SIZE];
  private final float[] value = new float[AdamBlocks.SIZE];
  private final float[] gradient = new float[AdamBlocks.SIZE];
  private final float[] first = new float[AdamBlocks.SIZE];
  private final float[] second = new float[AdamBlocks.SIZE];

  /** A step over a trainable arena. */
  AdamOperation(AdamSpec spec, OnednnParameterArena parameters, HostStepState state) {
    adam = new AdamBlocks(spec);
    this.state = state;
    MemorySegment[] segments = parameters.segments();
    values = segments[0];
    gradients = segments[1];
    firstMoments = segments[2];
    secondMoments = segments[3];
    elements = values.byteSize() / Float.BYTES;
  }

  @Override
  public String name() {
    return "adam";
  }

  @Override
  public void run() {
    if (!allFinite(gradients) || !allFinite(values)) {
      state.noteNonFinite();
    }
    if (state.isStopped()) {
      return;
    }
    adam.beginStep(state.nextOptimizerStep());
    for (long begin = 0; begin < elements; begin += AdamBlocks.SIZE) {
      int count = (int) Math.min(AdamBlocks.SIZE, elements - begin);
      long offset = begin * Float.BYTES;
      MemorySegment.copy(values, JAVA_FLOAT, offset, value, 0, count);
      MemorySegment.copy(gradients, JAVA_FLOAT, offset, gradient, 0, count);
      MemorySegment.copy(firstMoments, JAVA_FLOAT, offset, first, 0, count);
      MemorySegment.copy(secondMoments, JAVA_FLOAT, offset, second, 0, count);
      adam.update(value, gradient, first, second, count);
      MemorySegment.copy(value, 0, values, JAVA_FLOAT, offset, count);
      MemorySegment.copy(first, 0, firstMoments, JAVA_FLOAT, offset, count);
      MemorySegment.copy(second, 0, secondMoments, JAVA_FLOAT, offset, count);
    }
  }

  private boolean allFinite(MemorySegment segment) {
    for (long begin = 0; begin < elements; begin += bits.length) {
      int count = (int) Math.min(bits.length, elements - begin);
      MemorySegment.copy(segment, JAVA_INT, begin * Float.BYTES, bits, 0, count);
      if (!FiniteCheck.allFinite(bits, count)) {
        return false;
      }
    }
    return true;
  }
}
