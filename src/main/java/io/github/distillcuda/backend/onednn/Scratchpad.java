package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.ffi.OnednnApi.Kind;
import io.github.distillcuda.ffi.PageAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * The temporary memory of a lane's primitives, as large as the largest asks for: they run one after
 * the other and leave nothing in it.
 */
final class Scratchpad implements AutoCloseable {
  private static final long PAGE = 4096;

  /** From here on huge pages are worth it: they come by two megabytes. */
  private static final long LARGE = 1 << 20;

  private final OnednnContext context;
  private final List<Long> memories = new ArrayList<>();
  private Arena arena = Arena.ofConfined();
  private long address;
  private long capacity;

  Scratchpad(OnednnContext context) {
    this.context = context;
  }

  /** Returns a memory object over the scratchpad, which grows if it must. */
  long memory(long descriptor) {
    long bytes = context.api().dnnl_memory_desc_get_size(descriptor);
    if (bytes > capacity) {
      grow(bytes);
    }
    long memory =
        context
            .scope()
            .own(
                Kind.MEMORY,
                context.api().dnnl_memory_create(descriptor, context.engine(), address));
    memories.add(memory);
    return memory;
  }

  /** Moves to a larger buffer, and points the memory objects that were handed out at it. */
  private void grow(long bytes) {
    Arena larger = Arena.ofConfined();
    SegmentAllocator allocator = bytes < LARGE ? larger : new PageAllocator(larger);
    address = allocator.allocate(bytes, PAGE).address();
    capacity = bytes;
    for (long memory : memories) {
      context.api().dnnl_memory_set_data_handle(memory, address);
    }
    arena.close();
    arena = larger;
  }

  @Override
  public void close() {
    arena.close();
  }
}
