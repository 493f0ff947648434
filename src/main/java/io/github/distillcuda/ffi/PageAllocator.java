package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Zeroed memory straight from the system, in huge pages where it has them, which come beside
 * whatever is done before the memory is used. Memory from {@link Arena#allocate} comes page by
 * page, each with a fault when it is first touched; on a virtual machine that is up to 20
 * microseconds for 4 KiB, half a second for the 200 MB of a training. For memory that stays: less
 * than 2 MiB share a block, more has pages of its own. One thread.
 */
public final class PageAllocator implements SegmentAllocator {
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_POPULATE_WRITE = 23;
  private static final long MAP_FAILED = -1;

  /** A huge page. */
  private static final long BLOCK_BYTES = 2 << 20;

  private static final MethodHandle MMAP =
      link("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = link("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle MADVISE =
      link("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);

  /** One thread that ends when it has had nothing to do for a while. */
  private static final ExecutorService POPULATOR = populator();

  private final Arena arena;
  private MemorySegment block = MemorySegment.NULL;
  private long used;

  /**
   * An allocator.
   *
   * @param arena how long the memory lives and which threads reach it; closing it gives the pages
   *     back
   */
  public PageAllocator(Arena arena) {
    this.arena = arena;
  }

  /**
   * Allocates zeroed memory.
   *
   * @param alignment at most that of a page, 4096
   * @throws DistillException of the exit code DATA, as where Java's heap is too small, if the
   *     system has no more
   */
  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    if (bytes >= BLOCK_BYTES) {
      return map(bytes);
    }
    long offset = Math.ceilDiv(used, alignment) * alignment;
    if (offset + bytes > block.byteSize()) {
      block = map(BLOCK_BYTES);
      offset = 0;
    }
    used = offset + bytes;
    return block.asSlice(offset, bytes);
  }

  @SuppressWarnings("restricted")
  private MemorySegment map(long bytes) {
    Mapping mapping = Mapping.of(bytes);
    MemorySegment memory;
    try {
      memory =
          MemorySegment.ofAddress(mapping.first())
              .reinterpret(bytes, arena, freed -> mapping.unmap());
    } catch (RuntimeException e) {
      mapping.unmap();
      throw e;
    }
    POPULATOR.execute(mapping::populate);
    return memory;
  }

  /** Pages of the system, which are populated by one thread and given back by another. */
  private static final class Mapping {
    private final long address;
    private final long mappedBytes;
    private final long bytes;
    private boolean unmapped;

    private Mapping(long address, long mappedBytes, long bytes) {
      this.address = address;
      this.mappedBytes = mappedBytes;
      this.bytes = bytes;
    }

    static Mapping of(long bytes) {
      // Room to begin at a huge page; what is never touched takes no memory.
      long mappedBytes = bytes + BLOCK_BYTES;
      long address = mmap(mappedBytes);
      if (address == MAP_FAILED) {
        throw new DistillException(
            ExitCode.DATA,
            "the system has no %d MiB of memory left (or ulimit -v forbids them); free some, or give a smaller --batch-size"
                .formatted(Math.ceilDiv(bytes, 1L << 20)));
      }
      Mapping mapping = new Mapping(address, mappedBytes, bytes);
      mapping.advise(MADV_HUGEPAGE);
      return mapping;
    }

    /** Returns the first byte that is used, where a huge page may begin. */
    long first() {
      return Math.ceilDiv(address, BLOCK_BYTES) * BLOCK_BYTES;
    }

    /** Never after the pages were given back: somebody else may have others there then. */
    synchronized void populate() {
      if (!unmapped) {
        advise(MADV_POPULATE_WRITE);
      }
    }

    synchronized void unmap() {
      unmapped = true;
      int status = munmap(address, mappedBytes);
      if (status != 0) {
        throw new NativeException("munmap(" + address + ", " + mappedBytes + ")", "error", status);
      }
    }

    /** Kernels without huge pages, and those before 5.14, refuse: pages then come as they do. */
    private void advise(int advice) {
      try {
        int ignored = (int) MADVISE.invokeExact(first(), bytes, advice);
      } catch (Throwable t) {
        throw new AssertionError("madvise downcall", t);
      }
    }
  }

  private static long mmap(long bytes) {
    try {
      return (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
    } catch (Throwable t) {
      throw new AssertionError("mmap downcall", t);
    }
  }

  private static int munmap(long address, long bytes) {
    try {
      return (int) MUNMAP.invokeExact(address, bytes);
    } catch (Throwable t) {
      throw new AssertionError("munmap downcall", t);
    }
  }

  private static ExecutorService populator() {
    ThreadPoolExecutor one =
        new ThreadPoolExecutor(
            1,
            1,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("pages").factory());
    one.allowCoreThreadTimeOut(true);
    return one;
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(String symbol, MemoryLayout result, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(symbol), FunctionDescriptor.of(result, arguments));
  }
}
