package io.github.distillcuda.cuda;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LaunchConfig;
import io.github.distillcuda.failure.DistillException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A launch of a kernel with all its arguments, made once and launched any number of times without
 * an allocation. Integers come from the sizes; addresses, floats and doubles are bound by name.
 */
public final class KernelLaunch {
  /** Room for an argument of any type, aligned for it. */
  private static final long SLOT = JAVA_LONG.byteSize();

  private final KernelFunction function;
  private KernelSizes sizes;
  private LaunchConfig config;
  private final List<KernelParameter> parameters;
  private final MemorySegment arguments;
  private final MemorySegment addresses;
  private final List<String> unbound = new ArrayList<>();
  private final Set<String> nulls = new HashSet<>();

  KernelLaunch(KernelFunction function, KernelSizes sizes, Arena arena) {
    this.function = function;
    parameters = function.signature().parameters();
    arguments = arena.allocate(SLOT * parameters.size(), SLOT);
    addresses = arena.allocate(SLOT * parameters.size(), SLOT);
    for (int i = 0; i < parameters.size(); i++) {
      addresses.setAtIndex(JAVA_LONG, i, arguments.address() + SLOT * i);
    }
    resize(sizes);
  }

  /**
   * Takes other sizes, for which every other argument must be bound anew.
   *
   * @throws IllegalArgumentException if the sizes are not what the kernel is made for
   */
  void resize(KernelSizes newSizes) {
    LaunchConfig newConfig = function.signature().launch(newSizes);
    function.allow(newConfig);
    config = newConfig;
    sizes = newSizes;
    unbound.clear();
    nulls.clear();
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i).name();
      if (parameters.get(i) instanceof KernelParameter.Int) {
        arguments.set(JAVA_INT, SLOT * i, Math.toIntExact(sizes.get(name)));
      } else {
        unbound.add(name);
      }
    }
  }

  /** Binds the address of a range. */
  public KernelLaunch bind(String name, DeviceSpan span) {
    return bind(name, span.buffer(), span.offset());
  }

  /** Binds the address of a buffer. */
  public KernelLaunch bind(String name, DeviceBuffer buffer) {
    return bind(name, buffer, 0);
  }

  /**
   * Binds the address of a place in a buffer.
   *
   * @throws IndexOutOfBoundsException if the buffer ends before what the kernel reads or writes
   *     there at these sizes
   * @throws IllegalArgumentException if the buffer is of another context than the kernel, or the
   *     place is not aligned for its elements
   */
  public KernelLaunch bind(String name, DeviceBuffer buffer, long offset) {
    function.module().requireSameContext(buffer);
    KernelParameter.Pointer pointer = parameter(name, KernelParameter.Pointer.class);
    long elements =
        Math.max(pointer.reads().applyAsLong(sizes), pointer.writes().applyAsLong(sizes));
    if (offset % pointer.element().bytes() != 0) {
      throw new IllegalArgumentException(
          "%s of %s is not aligned at byte %d of %s".formatted(name, this, offset, buffer));
    }
    long address = buffer.address(offset, elements * pointer.element().bytes());
    arguments.set(JAVA_LONG, bound(name), address);
    return this;
  }

  /** Binds an address whose range the caller has checked. */
  KernelLaunch bindChecked(String name, long address) {
    parameter(name, KernelParameter.Pointer.class);
    arguments.set(JAVA_LONG, bound(name), address);
    return this;
  }

  /**
   * Binds NULL.
   *
   * @throws IllegalArgumentException if the kernel always uses this argument
   */
  public KernelLaunch bindNull(String name) {
    if (!parameter(name, KernelParameter.Pointer.class).nullable()) {
      throw new IllegalArgumentException("%s of %s must not be null".formatted(name, this));
    }
    arguments.set(JAVA_LONG, bound(name), 0);
    nulls.add(name);
    return this;
  }

  /** Binds a number, as float or double, whichever the kernel takes. */
  public KernelLaunch bind(String name, double value) {
    switch (parameter(name, KernelParameter.class)) {
      case KernelParameter.Float32 single -> arguments.set(JAVA_FLOAT, bound(name), (float) value);
      case KernelParameter.Float64 full -> arguments.set(JAVA_DOUBLE, bound(name), value);
      default ->
          throw new IllegalArgumentException("%s of %s is not a number".formatted(name, this));
    }
    return this;
  }

  private <T extends KernelParameter> T parameter(String name, Class<T> type) {
    KernelParameter parameter = parameters.get(index(name));
    if (!type.isInstance(parameter)) {
      throw new IllegalArgumentException(
          "%s of %s is of the type %s".formatted(name, this, parameter.ptxType()));
    }
    return type.cast(parameter);
  }

  private int index(String name) {
    for (int i = 0; i < parameters.size(); i++) {
      if (parameters.get(i).name().equals(name)) {
        return i;
      }
    }
    throw new IllegalArgumentException("%s has no parameter %s".formatted(this, name));
  }

  /** Notes that an argument is bound, and returns the offset of its slot. */
  private long bound(String name) {
    unbound.remove(name);
    nulls.remove(name);
    return SLOT * index(name);
  }

  /**
   * Returns the least traffic in bytes: each input and each required output that is bound, once.
   */
  public long floorBytes() {
    return function.signature().floorBytes(sizes, nulls.toArray(String[]::new));
  }

  /**
   * Launches the kernel in stream order. Allocates nothing.
   *
   * @throws IllegalStateException if an argument is not bound, or the module is closed
   * @throws IllegalArgumentException if the stream is of another context than the kernel
   * @throws DistillException as the driver's function, naming the kernel
   */
  public void launch(CudaStream stream) {
    function.module().requireSameContext(stream);
    if (!unbound.isEmpty()) {
      throw new IllegalStateException("%s lacks %s".formatted(this, unbound));
    }
    try {
      function
          .module()
          .driver()
          .cuLaunchKernel(
              function.address(),
              config.gridX(),
              config.gridY(),
              1,
              config.blockX(),
              config.blockY(),
              1,
              config.sharedBytes(),
              stream.address(),
              addresses);
    } catch (DistillException e) {
      // The driver shows an address; and what it reports may be the failure of an earlier kernel.
      throw e.with("; the kernel to launch was " + this);
    }
  }

  /** Returns the kernel's name. */
  @Override
  public String toString() {
    return function.signature().symbol();
  }
}
