package io.github.distillcuda.cuda.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/**
 * A kernel as its callers see it. The header of its CUDA source has formula, layout and tolerance.
 *
 * @param ptx the file under {@code kernels/ptx/}, such as {@code compute_75/adam.ptx}
 * @param symbol the entry point, {@code <op>_<fused|unfused>_<dtype>_v<rung>}
 * @param parameters in order
 * @param requirements what the sizes of a launch must satisfy
 * @param clusterBlocks blocks of a cluster, which the PTX declares; 1 for a kernel without clusters
 * @param staticSharedBytes shared memory of a block beside the dynamic, where it may matter
 * @param launchRule the launch configuration for given sizes
 */
public record KernelSignature(
    String ptx,
    String symbol,
    List<KernelParameter> parameters,
    List<Requirement> requirements,
    int clusterBlocks,
    int staticSharedBytes,
    Function<KernelSizes, LaunchConfig> launchRule) {

  /**
   * A condition on the sizes of a launch.
   *
   * @param text what must hold
   * @param holds whether it does
   */
  public record Requirement(String text, Predicate<KernelSizes> holds) {}

  /** Makes a signature without clusters. */
  public KernelSignature(
      String ptx,
      String symbol,
      List<KernelParameter> parameters,
      List<Requirement> requirements,
      Function<KernelSizes, LaunchConfig> launchRule) {
    this(ptx, symbol, parameters, requirements, 1, 0, launchRule);
  }

  /** Every size: threads beyond the last row or element count on in 32 bits. */
  private static final int MOST = Integer.MAX_VALUE - 1023;

  /** Blocks of a grid in its second dimension, on every GPU. */
  private static final int MOST_GRID_Y = 65_535;

  /** Blocks of a cluster that every GPU with clusters has room for. */
  public static final int PORTABLE_CLUSTER_BLOCKS = 8;

  /** Where the build puts {@link #ptx()} in the jar. */
  public static final String RESOURCE_FOLDER = "/io/github/distillcuda/kernels/ptx/";

  /** Returns the name of the PTX among the resources. */
  public String resource() {
    return RESOURCE_FOLDER + ptx;
  }

  /** Returns the lowest compute capability that takes the PTX, such as 80 for 8.0. */
  public int computeCapability() {
    return Integer.parseInt(ptx.substring("compute_".length(), ptx.indexOf('/')));
  }

  /**
   * Returns whether a GPU can run a launch with these sizes.
   *
   * @param computeCapability of the GPU, such as 90
   * @param sharedBytes the most shared memory that a block may have there
   */
  public boolean runsOn(int computeCapability, int sharedBytes, KernelSizes sizes) {
    return computeCapability() <= computeCapability
        && (clusterBlocks <= PORTABLE_CLUSTER_BLOCKS || hasLargeClusters(computeCapability))
        && accepts(sizes)
        && launch(sizes).sharedBytes() + staticSharedBytes <= sharedBytes;
  }

  /**
   * The tuning guides of Hopper and of Blackwell's 10.0 speak of 16 blocks, no other of more than
   * 8.
   */
  private static boolean hasLargeClusters(int computeCapability) {
    return computeCapability == 90 || computeCapability == 100;
  }

  /**
   * Returns the launch configuration.
   *
   * @throws IllegalArgumentException if the sizes are not what the kernel is made for
   */
  public LaunchConfig launch(KernelSizes sizes) {
    for (Requirement requirement : requirements) {
      if (!requirement.holds.test(sizes)) {
        throw new IllegalArgumentException(
            "%s needs %s, not %s".formatted(symbol, requirement.text, sizes));
      }
    }
    return launchRule.apply(sizes);
  }

  /** Returns whether the kernel can be launched with these sizes. */
  public boolean accepts(KernelSizes sizes) {
    return requirements.stream().allMatch(requirement -> requirement.holds.test(sizes));
  }

  /**
   * Returns the least traffic of a launch: each input and each required output once.
   *
   * @param nullPointers the nullable parameters that are null
   */
  public long floorBytes(KernelSizes sizes, String... nullPointers) {
    Set<String> absent = Set.of(nullPointers);
    return pointers().stream()
        .filter(pointer -> !(pointer.nullable() && absent.contains(pointer.name())))
        .mapToLong(pointer -> pointer.floorBytes(sizes))
        .sum();
  }

  /** Returns the parameters that are device addresses, in order. */
  public List<KernelParameter.Pointer> pointers() {
    return parameters.stream()
        .filter(KernelParameter.Pointer.class::isInstance)
        .map(KernelParameter.Pointer.class::cast)
        .toList();
  }

  /** Starts a signature; {@link Builder#launch} ends it. */
  static Builder of(String ptx, String symbol) {
    return new Builder(ptx, symbol);
  }

  /** Collects the parameters in order. */
  static final class Builder {
    private final String ptx;
    private final String symbol;
    private final List<KernelParameter> parameters = new ArrayList<>();
    private final List<Requirement> requirements = new ArrayList<>();
    private int clusterBlocks = 1;
    private int staticSharedBytes;

    private Builder(String ptx, String symbol) {
      this.ptx = ptx;
      this.symbol = symbol;
    }

    Builder in(String name, ElementType element, ToLongFunction<KernelSizes> reads) {
      return pointer(name, element, reads, sizes -> 0, false);
    }

    Builder inOrNull(String name, ElementType element, ToLongFunction<KernelSizes> reads) {
      return pointer(name, element, reads, sizes -> 0, true);
    }

    Builder out(String name, ElementType element, ToLongFunction<KernelSizes> writes) {
      return pointer(name, element, sizes -> 0, writes, false);
    }

    Builder outOrNull(String name, ElementType element, ToLongFunction<KernelSizes> writes) {
      return pointer(name, element, sizes -> 0, writes, true);
    }

    Builder inOut(String name, ElementType element, ToLongFunction<KernelSizes> elements) {
      return pointer(name, element, elements, elements, false);
    }

    /** The state of a step, of which a kernel reads and writes a few numbers. */
    Builder state(long bytesRead, long bytesWritten) {
      return pointer("state", ElementType.STATE, sizes -> bytesRead, sizes -> bytesWritten, false);
    }

    private Builder pointer(
        String name,
        ElementType element,
        ToLongFunction<KernelSizes> reads,
        ToLongFunction<KernelSizes> writes,
        boolean nullable) {
      parameters.add(new KernelParameter.Pointer(name, element, reads, writes, nullable));
      return this;
    }

    Builder float32(String... names) {
      for (String name : names) {
        parameters.add(new KernelParameter.Float32(name));
      }
      return this;
    }

    Builder float64(String... names) {
      for (String name : names) {
        parameters.add(new KernelParameter.Float64(name));
      }
      return this;
    }

    /** Integer parameters, each of which must be at least 1, and less than 2^31 by a block. */
    Builder sizes(String... names) {
      for (String name : names) {
        integer(name)
            .requires("at least 1 " + name, sizes -> sizes.get(name) >= 1)
            .requires("at most %,d %s".formatted(MOST, name), sizes -> sizes.get(name) <= MOST);
      }
      return this;
    }

    Builder integer(String name) {
      parameters.add(new KernelParameter.Int(name));
      return this;
    }

    Builder requires(String text, Predicate<KernelSizes> holds) {
      return requires(new Requirement(text, holds));
    }

    Builder requires(Requirement requirement) {
      requirements.add(requirement);
      return this;
    }

    Builder cluster(int blocks) {
      clusterBlocks = blocks;
      return this;
    }

    Builder staticSharedBytes(int bytes) {
      staticSharedBytes = bytes;
      return this;
    }

    KernelSignature launch(Function<KernelSizes, LaunchConfig> rule) {
      requires(
          "a grid of at most %,d rows of blocks".formatted(MOST_GRID_Y),
          sizes -> rule.apply(sizes).gridY() <= MOST_GRID_Y);
      return new KernelSignature(
          ptx,
          symbol,
          List.copyOf(parameters),
          List.copyOf(requirements),
          clusterBlocks,
          staticSharedBytes,
          rule);
    }
  }
}
