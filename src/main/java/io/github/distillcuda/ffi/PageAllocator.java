package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.CompletableFuture;

/**
 * Zeroed memory straight from the system, in huge pages where it has them, which come beside
 * whatever is done before the memory is used. Memory from {@link Arena#allocate} comes page by
 * page, each with a fault when it is first touched; on a virtual machine that is up to 20
 * microseconds for 4 KiB, half a second for the 200 MB of a training. One thread.
 */
public final class PageAllocator implements SegmentAllocator {
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_POPULATE_WRITE = 23;
  private static final long MAP_FAILED = -1;

  /** A huge page; what is smaller shares one. */
  private static final long BLOCK_BYTES = 2 << 20;

  private static final MethodHandle MMAP =
      link("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = link("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle MADVISE =
      link("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);

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
   * @throws OutOfMemoryError if the system has no more
   */
  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    long offset = -Math.floorDiv(-used, alignment) * alignment;
    if (offset + bytes > block.byteSize()) {
      MemorySegment mapped = map(-Math.floorDiv(-bytes, BLOCK_BYTES) * BLOCK_BYTES);
      if (bytes >= BLOCK_BYTES) {
        return mapped.asSlice(0, bytes); // The block may have room for others yet.
      }
      block = mapped;
      offset = 0;
    }
    used = offset + bytes;
    return block.asSlice(offset, bytes);
  }

  @SuppressWarnings("restricted")
  private MemorySegment map(long bytes) {
    try {
      long address =
          (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
      if (address == MAP_FAILED) {
        throw new OutOfMemoryError("the system has no " + bytes + " bytes");
      }
      advise(address, bytes, MADV_HUGEPAGE);
      // The call takes a millisecond a huge page, on whichever processor makes it. Nobody waits for
      // it: what is touched before is there then, and what is freed before is left alone.
      CompletableFuture.runAsync(() -> advise(address, bytes, MADV_POPULATE_WRITE));
      return MemorySegment.ofAddress(address)
          .reinterpret(bytes, arena, mapped -> unmap(mapped.address(), bytes));
    } catch (Error e) {
      throw e;
    } catch (Throwable t) {
      throw new AssertionError("mmap downcall", t);
    }
  }

  /** Kernels without huge pages, and those before 5.14, refuse: pages then come as they do. */
  private static void advise(long address, long bytes, int advice) {
    try {
      int ignored = (int) MADVISE.invokeExact(address, bytes, advice);
    } catch (Throwable t) {
      throw new AssertionError("madvise downcall", t);
    }
  }

  private static void unmap(long address, long bytes) {
    try {
      int status = (int) MUNMAP.invokeExact(address, bytes);
      if (status != 0) {
        throw new NativeException("munmap(" + address + ", " + bytes + ")", "error", status);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new AssertionError("munmap downcall", t);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(String symbol, MemoryLayout result, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(symbol), FunctionDescriptor.of(result, arguments));
  }
}
