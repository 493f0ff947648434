package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.ffi.OnednnApi;
import io.github.distillcuda.ffi.OnednnApi.Kind;
import io.github.distillcuda.ffi.PageAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Owns oneDNN's objects and the memory they point at: destroys the objects in reverse order of
 * their creation, then frees the memory. One thread.
 */
final class HandleScope implements AutoCloseable {
  /** What oneDNN's kernels prefer: a cache line, and a whole vector register of AVX-512. */
  private static final long ALIGNMENT = 64;

  private record Handle(Kind kind, long address) {}

  private final OnednnApi api;
  private final Arena arena;
  private final PageAllocator pages;
  private final Deque<Handle> handles = new ArrayDeque<>();

  private HandleScope(OnednnApi api, Arena arena) {
    this.api = api;
    this.arena = arena;
    pages = new PageAllocator(arena);
  }

  /** A scope whose memory only the calling thread reaches from Java. */
  static HandleScope ofThread(OnednnApi api) {
    return new HandleScope(api, Arena.ofConfined());
  }

  /** A scope whose memory the threads of a team reach, too. */
  static HandleScope ofTeam(OnednnApi api) {
    return new HandleScope(api, Arena.ofShared());
  }

  /** Returns how long the memory lives. */
  Arena arena() {
    return arena;
  }

  /** Takes over what the API just created, and returns it. */
  long own(Kind kind, long address) {
    handles.push(new Handle(kind, address));
    return address;
  }

  /** Allocates zeroed memory that lives as long as this scope. */
  MemorySegment allocate(long bytes) {
    return pages.allocate(bytes, ALIGNMENT);
  }

  /** Destroys everything; goes on after a failure and throws the first at the end. */
  @Override
  public void close() {
    RuntimeException first = null;
    while (!handles.isEmpty()) {
      Handle handle = handles.pop();
      try {
        api.destroy(handle.kind(), handle.address());
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    arena.close();
    if (first != null) {
      throw first;
    }
  }
}
