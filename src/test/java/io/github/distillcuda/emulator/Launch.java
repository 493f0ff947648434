package io.github.distillcuda.emulator;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.Dim3;
import io.github.distillcuda.emulator.machine.ExecutionConfiguration;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.machine.Grid;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.Region;

/**
 * A launch to be made: a kernel, its grid, block, shared bytes and arguments, and how the emulator
 * shall fill in what CUDA leaves open.
 *
 * <pre>
 * LaunchReport report =
 *     Launch.of(kernel).grid(4).block(128).arguments(logits, probabilities, 5f, n).run(memory);
 * </pre>
 */
public final class Launch {
  private static final long DEFAULT_FUEL = 200_000_000;

  private final EmulatedKernel kernel;
  private Dim3 grid = Dim3.of(1);
  private Dim3 block = Dim3.of(1);
  private int sharedBytes;
  private byte[] parameterBlock = new byte[0];
  private ExecutionOrder order = ExecutionOrder.FORWARD;
  private Approximation approximation = Approximation.EXACT;
  private long fuel = DEFAULT_FUEL;

  private Launch(EmulatedKernel kernel) {
    this.kernel = kernel;
  }

  public static Launch of(EmulatedKernel kernel) {
    return new Launch(kernel);
  }

  public Launch grid(int blocks) {
    return grid(Dim3.of(blocks));
  }

  public Launch grid(Dim3 blocks) {
    grid = blocks;
    return this;
  }

  public Launch block(int threads) {
    return block(Dim3.of(threads));
  }

  public Launch block(Dim3 threads) {
    block = threads;
    return this;
  }

  /** Size of the {@code extern __shared__} array. */
  public Launch sharedBytes(int bytes) {
    sharedBytes = bytes;
    return this;
  }

  /**
   * Sets the arguments, one for each parameter: a {@link Region} or a Long for 64 bits, an Integer
   * for 32, a Float for f32, a Double for f64, a byte array for a struct.
   *
   * @throws IllegalArgumentException if number or types are not the kernel's
   */
  public Launch arguments(Object... arguments) {
    return parameterBlock(ParameterBlock.of(kernel, arguments));
  }

  /** Sets all arguments as the bytes that the kernel finds them in. */
  public Launch parameterBlock(byte[] bytes) {
    parameterBlock = bytes;
    return this;
  }

  public Launch order(ExecutionOrder newOrder) {
    order = newOrder;
    return this;
  }

  public Launch approximation(Approximation newApproximation) {
    approximation = newApproximation;
    return this;
  }

  /** The number of warp instructions after which the launch counts as endless. */
  public Launch fuel(long warpInstructions) {
    fuel = warpInstructions;
    return this;
  }

  /**
   * Runs the launch to its end.
   *
   * @throws io.github.distillcuda.emulator.fault.EmulatorFault at the first rule that the kernel
   *     breaks; what it has written until then stays written
   */
  public LaunchReport run(EmulatedMemory memory) {
    ExecutionConfiguration config =
        new ExecutionConfiguration(grid, block, sharedBytes, order, fuel);
    if (block.count() > kernel.maxThreads()) {
      throw new IllegalArgumentException(
          kernel.name() + " takes blocks of " + kernel.maxThreads() + " threads, not " + block);
    }
    if (grid.x() % kernel.clusterBlocks() != 0) {
      throw new IllegalArgumentException(
          kernel.name()
              + " takes grids of clusters of "
              + kernel.clusterBlocks()
              + ", not "
              + grid);
    }
    Region parameters = Region.ofBytes("parameters of " + kernel.name(), parameterBlock);
    Grid launched = new Grid(kernel.program(approximation), config, parameters, memory);
    launched.run();
    return LaunchReport.of(launched, memory);
  }
}
