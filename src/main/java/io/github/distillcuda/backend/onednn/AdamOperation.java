package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.host.AdamBlocks;
import io.github.distillcuda.backend.host.FiniteCheck;
import io.github.distillcuda.backend.host.HostStepState;
import io.github.distillcuda.ffi.OpenMpTeam;
import java.lang.foreign.MemorySegment;

/**
 * The check of gradients and parameters, and Adam over the whole flat arena, padding included. Each
 * thread of the team takes a run of blocks; no element depends on another, so the number of threads
 * does not show in the result.
 */
final class AdamOperation implements Operation {
  /** What one thread works on. */
  private static final class Block {
    private final int[] bits = new int[AdamBlocks.SIZE];
    private final float[] value = new float[AdamBlocks.SIZE];
    private final float[] gradient = new float[AdamBlocks.SIZE];
    private final float[] first = new float[AdamBlocks.SIZE];
    private final float[] second = new float[AdamBlocks.SIZE];
    private boolean finite;
  }

  private final OpenMpTeam team;
  private final OpenMpTeam.Task check = this::check;
  private final OpenMpTeam.Task update = this::update;
  private final AdamBlocks adam;
  private final HostStepState state;
  private final MemorySegment values;
  private final MemorySegment gradients;
  private final MemorySegment firstMoments;
  private final MemorySegment secondMoments;
  private final long elements;
  private final Block[] blocks;

  /** A step over a trainable arena. */
  AdamOperation(
      OpenMpTeam team, AdamSpec spec, OnednnParameterArena parameters, HostStepState state) {
    this.team = team;
    this.state = state;
    adam = new AdamBlocks(spec);
    MemorySegment[] segments = parameters.segments();
    values = segments[0];
    gradients = segments[1];
    firstMoments = segments[2];
    secondMoments = segments[3];
    elements = values.byteSize() / Float.BYTES;
    blocks = new Block[team.threads()];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = new Block();
    }
  }

  @Override
  public String name() {
    return "adam";
  }

  @Override
  public void run() {
    for (Block block : blocks) {
      block.finite = true; // OpenMP may give fewer threads, and a part to each of those
    }
    team.run(check);
    for (Block block : blocks) {
      if (!block.finite) {
        state.noteNonFinite();
      }
    }
    if (!state.isStopped()) {
      adam.beginStep(state.nextOptimizerStep());
      team.run(update);
    }
  }

  /** Returns the element at which a part begins and the one before ends. */
  private long begin(int part, int parts) {
    long count = Math.ceilDiv(elements, AdamBlocks.SIZE);
    return Math.min(elements, count * part / parts * AdamBlocks.SIZE);
  }

  private void check(int part, int parts) {
    int[] bits = blocks[part].bits;
    boolean finite = true;
    long end = begin(part + 1, parts);
    for (long begin = begin(part, parts); begin < end; begin += bits.length) {
      int count = (int) Math.min(bits.length, end - begin);
      long offset = begin * Float.BYTES;
      MemorySegment.copy(gradients, JAVA_INT, offset, bits, 0, count);
      finite &= FiniteCheck.allFinite(bits, count);
      MemorySegment.copy(values, JAVA_INT, offset, bits, 0, count);
      finite &= FiniteCheck.allFinite(bits, count);
    }
    blocks[part].finite = finite;
  }

  private void update(int part, int parts) {
    Block block = blocks[part];
    long end = begin(part + 1, parts);
    for (long begin = begin(part, parts); begin < end; begin += AdamBlocks.SIZE) {
      int count = (int) Math.min(AdamBlocks.SIZE, end - begin);
      long offset = begin * Float.BYTES;
      MemorySegment.copy(values, JAVA_FLOAT, offset, block.value, 0, count);
      MemorySegment.copy(gradients, JAVA_FLOAT, offset, block.gradient, 0, count);
      MemorySegment.copy(firstMoments, JAVA_FLOAT, offset, block.first, 0, count);
      MemorySegment.copy(secondMoments, JAVA_FLOAT, offset, block.second, 0, count);
      adam.update(block.value, block.gradient, block.first, block.second, count);
      MemorySegment.copy(block.value, 0, values, JAVA_FLOAT, offset, count);
      MemorySegment.copy(block.first, 0, firstMoments, JAVA_FLOAT, offset, count);
      MemorySegment.copy(block.second, 0, secondMoments, JAVA_FLOAT, offset, count);
    }
  }
}
