package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.ffi.OnednnApi;
import io.github.distillcuda.ffi.OnednnApi.Kind;
import io.github.distillcuda.ffi.PageAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Owns oneDNN's objects and the memory they point at: ends them in reverse order of their creation,
 * all of them even if one fails, and then frees its own memory. One thread.
 */
final class HandleScope implements AutoCloseable {
  /** What oneDNN's kernels prefer: a cache line, and a whole vector register of AVX-512. */
  private static final long ALIGNMENT = 64;

  private final OnednnApi api;
  private final Arena arena;
  private final SegmentAllocator allocator;
  private final Deque<Runnable> ends = new ArrayDeque<>();

  private HandleScope(OnednnApi api, Arena arena, SegmentAllocator allocator) {
    this.api = api;
    this.arena = arena;
    this.allocator = allocator;
    ends.push(arena::close);
  }

  /** A scope for a short time, whose memory only the calling thread reaches from Java. */
  static HandleScope ofThread(OnednnApi api) {
    Arena arena = Arena.ofConfined();
    return new HandleScope(api, arena, arena);
  }

  /** A long-lived scope whose memory all threads of a team may access. */
  static HandleScope ofTeam(OnednnApi api) {
    Arena arena = Arena.ofShared();
    return new HandleScope(api, arena, new PageAllocator(arena));
  }

  /** Returns how long the memory lives. */
  Arena arena() {
    return arena;
  }

  /** Takes over what the API just created, and returns it. */
  long own(Kind kind, long address) {
    ends.push(() -> api.destroy(kind, address));
    return address;
  }

  /** Takes over a scratchpad, and returns it: what points into its memory ends before it. */
  Scratchpad own(Scratchpad scratchpad) {
    ends.push(scratchpad::close);
    return scratchpad;
  }

  /** Allocates zeroed memory that lives as long as this scope. */
  MemorySegment allocate(long bytes) {
    return allocator.allocate(bytes, ALIGNMENT);
  }

  /** Ends everything; goes on after a failure and throws the first, the others suppressed. */
  @Override
  public void close() {
    RuntimeException first = null;
    while (!ends.isEmpty()) {
      try {
        ends.pop().run();
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
